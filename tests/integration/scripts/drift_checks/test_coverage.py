"""What the hand-written client lacks of the contract, and the line to write it below."""

from typing import Any

import pytest
from contract.model import ContractError
from contract.reading.loading import parse_document, read_source
from copied_tree import CopiedTree
from drift_checks.coverage import check_coverage, to_keyword

HOOKS = "hooks/openrouter_rerank"


@pytest.fixture
def contract(tree: CopiedTree) -> dict[str, Any]:
    """Return the contract of the copied tree."""
    return parse_document(read_source(tree.root / "openapi.yaml"))


def get_operation(contract: dict[str, Any]) -> dict[str, Any]:
    """Return the only operation."""
    (item,) = contract["paths"].values()
    operation: dict[str, Any] = item["post"]
    return operation


def test_the_client_covers_the_contract(tree: CopiedTree, contract: dict[str, Any]) -> None:
    """Nothing of the committed contract is missing in the committed client."""
    assert check_coverage(tree.root, contract) == []


def test_a_new_field_names_each_line_to_write(tree: CopiedTree, contract: dict[str, Any]) -> None:
    """A field of the request is reported for every function that takes fields by name."""
    fields = contract["components"]["schemas"]["CreateRerankRequestBody"]["properties"]
    fields["maxTokens"] = {"type": "integer"}

    problems = check_coverage(tree.root, contract)

    names = ("Rerank.rerank", "Rerank.rerank_async", "Rerank.rank", "Rerank.rank_async")
    others = ("RerankArguments", "encode_request")
    assert [problem.what.split()[0] for problem in problems] == [*names, *others]
    assert all(" no keyword max_tokens for the field maxTokens " in p.what for p in problems)
    assert {tree.read_line(p.where).split(":")[0] for p in problems} <= {"user", "trace"}


def test_a_query_parameter_is_a_field_too(tree: CopiedTree, contract: dict[str, Any]) -> None:
    """What goes beside the body has to be a keyword as well."""
    get_operation(contract)["parameters"].append({"name": "dry-run", "in": "query"})

    problems = check_coverage(tree.root, contract)

    assert {"no keyword dry_run" in problem.what for problem in problems} == {True}


def test_a_keyword_that_went_missing_is_told(tree: CopiedTree, contract: dict[str, Any]) -> None:
    """A keyword that the hooks lose is reported where it was lost; `rank` calls documents items."""
    tree.edit(f"{HOOKS}/_rerank.py", "items: Iterable[T],", "things: Iterable[T],")

    problems = check_coverage(tree.root, contract)

    assert [problem.what for problem in problems] == [
        "Rerank.rank has no keyword items for the field documents of the request",
        "Rerank.rank_async has no keyword items for the field documents of the request",
    ]


def test_a_method_that_is_gone_is_an_error(tree: CopiedTree, contract: dict[str, Any]) -> None:
    """The check does not fall silent when what it looks at has another name."""
    tree.edit(f"{HOOKS}/_rerank.py", "def rerank_async(", "def rerank_later(")

    with pytest.raises(ContractError, match=r"does not define Rerank\.rerank_async"):
        check_coverage(tree.root, contract)


def test_a_new_status_names_the_line_before_its_own(
    tree: CopiedTree, contract: dict[str, Any]
) -> None:
    """A status without a class is reported below the status before it; ranges need no class."""
    responses = get_operation(contract)["responses"]
    responses |= dict.fromkeys(("418", "4XX", "default"), responses["400"])

    (problem,) = check_coverage(tree.root, contract)

    assert problem.what == "the status 418 of the contract has no class"
    assert tree.read_line(problem.where) == "413: PayloadTooLargeResponseError,"


def test_a_new_header_names_the_table(tree: CopiedTree, contract: dict[str, Any]) -> None:
    """A header parameter that the client does not send is reported."""
    get_operation(contract)["parameters"].append({"name": "X-New", "in": "header"})

    (problem,) = check_coverage(tree.root, contract)

    assert problem.what == "the header X-New of the contract is never sent"
    assert tree.read_line(problem.where).endswith('"X-OpenRouter-Categories",')


def test_a_model_that_is_not_exported_names_the_list(
    tree: CopiedTree, contract: dict[str, Any]
) -> None:
    """A model of a named schema has to be exported; the generator's own classes need not be."""
    tree.edit(f"{HOOKS}/components.py", '    "TraceConfig",\n', "")

    (problem,) = check_coverage(tree.root, contract)

    assert problem.what == "the generated model TraceConfig is not exported"
    assert tree.read_line(problem.where) == "__all__ = ["


def test_a_table_that_is_gone_is_an_error(tree: CopiedTree, contract: dict[str, Any]) -> None:
    """A renamed table is an error, not an empty table."""
    tree.edit(f"{HOOKS}/errors/_statuses.py", "STATUS_ERRORS:", "ERRORS:")

    with pytest.raises(ContractError, match="assigns nothing to STATUS_ERRORS"):
        check_coverage(tree.root, contract)


def test_a_source_that_is_not_python_is_an_error(
    tree: CopiedTree, contract: dict[str, Any]
) -> None:
    """A source with a syntax error is named."""
    (tree.root / HOOKS / "_call" / "target.py").write_text("def (", encoding="utf-8")

    with pytest.raises(ContractError, match=r"target\.py is not Python"):
        check_coverage(tree.root, contract)


def test_a_second_operation_is_an_error(tree: CopiedTree, contract: dict[str, Any]) -> None:
    """The client is one of a single operation."""
    contract["paths"]["/other"] = {"get": {}}

    with pytest.raises(ContractError, match="2 operations"):
        check_coverage(tree.root, contract)


@pytest.mark.parametrize("field", ["top_n", "topN", "top-n", "Top_N"])
def test_a_field_is_a_keyword_in_snake_case(field: str) -> None:
    """A field's name becomes a Python name whatever its spelling."""
    assert to_keyword(field) == "top_n"


def test_a_word_of_the_language_gets_an_underscore() -> None:
    """A field that is called as Python has a statement gets the name the generator gives it."""
    assert to_keyword("from") == "from_"
