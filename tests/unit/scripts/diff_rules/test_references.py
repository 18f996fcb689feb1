"""References followed to what they stand for."""

import pytest
from contract.model import ContractError
from diff_rules.references import escape, follow


def test_a_chain_is_followed_to_its_end() -> None:
    """References to references end at what is none."""
    document = {"a": {"$ref": "#/b"}, "b": {"$ref": "#/c~1d"}, "c/d": {"type": "string"}}

    assert follow(document, {"$ref": "#/a"}) == {"type": "string"}


def test_a_chain_that_leads_back_is_refused() -> None:
    """References that refer to each other stand for nothing."""
    with pytest.raises(ContractError, match="#/a leads back to itself"):
        follow({"a": {"$ref": "#/b"}, "b": {"$ref": "#/a"}}, {"$ref": "#/a"})


def test_a_key_becomes_one_step_of_a_pointer() -> None:
    """Slashes and tildes are written as RFC 6901 has them."""
    assert escape("/a~b") == "~1a~0b"
