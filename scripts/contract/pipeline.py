"""The steps from upstream's document to the contract, in order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from .checking import list_losses, validate_contract
from .explaining import explain_change
from .model import ContractError, JsonObject, Step, is_object
from .naming import name_components
from .ordering import order_document
from .overlay import Notice, apply_overlay
from .rules import media, nulls, prose, replies, root, schemas, unions
from .rules.inlining import inline_references
from .rules.merging import merge_all_of
from .rules.slicing import slice_operation
from .traversal import rewrite_schemas
from .writing import stamp_provenance


def _for_schemas(why: str, rule: Callable[[JsonObject], JsonObject]) -> Step:
    return Step(rule.__name__, why, partial(rewrite_schemas, rule=rule))


PREPARING: tuple[Step, ...] = (
    Step("slice_operation", "the contract is POST /rerank alone", slice_operation),
    Step("strip_prose", "the overlay brings our own prose and examples", prose.strip_prose),
    Step("inline_references", "no rule depends on what upstream names", inline_references),
    Step("write_version", "the contract is OpenAPI 3.1", root.write_version),
    Step("keep_json", "rerank speaks JSON and never streams", media.keep_json),
    Step("require_json", "a request and a reply are needed", media.require_json),
    Step("drop_false_flags", "they say what their absence says", root.drop_false_flags),
    Step("name_security", "a scheme is called by what it is", root.name_security),
)
# Repeated until nothing changes: merging two schemas can give an earlier rule more to do.
SCHEMA_RULES: tuple[Step, ...] = (
    _for_schemas("the server fills in defaults, not the client", schemas.drop_unused_keywords),
    _for_schemas("a choice of required names is no type", unions.drop_presence_unions),
    _for_schemas("a reference with decoration is that reference", merge_all_of),
    _for_schemas("enums grow without notice", schemas.open_enum),
    _for_schemas("anything goes is written in one way", schemas.read_true),
    _for_schemas("properties make an object, items an array", schemas.infer_type),
    _for_schemas("null is written in one way", nulls.read_nullable),
    _for_schemas("an object among other types gets a name", unions.split_types),
    _for_schemas("alternatives are as few as can be", unions.simplify_union),
    _for_schemas("null is written in one way", nulls.forget_bare_nullable),
    _for_schemas("a bound is written in one way", schemas.read_bounds),
    _for_schemas("anything goes is written in one way", schemas.open_additional_properties),
    _for_schemas("the order of types says nothing", schemas.order_types),
    _for_schemas("the order of required names says nothing", schemas.sort_required),
)
SHARING: tuple[Step, ...] = (
    Step("share_error_envelopes", "errors look alike", replies.share_error_envelopes),
    Step("describe_responses", "OpenAPI wants a description", replies.describe_responses),
)
MAX_ROUNDS = 10
NAMING = Step("name_components", "users know these names", name_components)
ORDERING = Step("order_document", "a diff shows only what changed", order_document)


@dataclass
class Contract:
    """
    The result of a run.

    Attributes:
        document: The contract.
        notices: What to know about the overlay's actions.
        explanation: What each step changed and why, line by line; empty unless asked for.
    """

    document: JsonObject
    notices: list[Notice]
    explanation: list[str] = field(default_factory=list[str])


def build_contract(
    upstream: JsonObject, overlay: JsonObject, source: str, *, explain: bool = False
) -> Contract:
    """
    Make the contract from upstream's document, or again from a contract.

    Args:
        upstream: The whole document; a contract is accepted too, and comes out unchanged.
        overlay: The overlay document.
        source: What `x-upstream` names as the source; a contract keeps the one it names itself.
        explain: Whether to say what each step changed.

    Raises:
        ContractError: The document, the overlay or the result is unfit.
    """
    notices: list[Notice] = []

    def lay_over(document: JsonObject) -> JsonObject:
        laid, found = apply_overlay(document, overlay)
        notices.extend(found)
        return laid

    finishing = (
        NAMING,
        Step("apply_overlay", "it adds our prose and what upstream lacks", lay_over),
        ORDERING,
        Step("validate_contract", "only a valid contract is written", validate_contract),
        Step(
            "stamp_provenance",
            "a contract says what it was made of",
            partial(stamp_provenance, source=_find_source(upstream) or source),
        ),
    )
    explanation: list[str] = []
    normalised = _normalise(upstream, explanation, explain=explain)
    document = _run(finishing, normalised, explanation, explain=explain)
    losses = list_losses(normalised, normalise(document))
    if losses:
        raise ContractError(f"the overlay takes away what the source has: {', '.join(losses)}")
    return Contract(document, notices, explanation)


def normalise(document: JsonObject) -> JsonObject:
    """Return the operation with its references written out and every rule applied."""
    return _normalise(document, [], explain=False)


def _normalise(document: JsonObject, explanation: list[str], *, explain: bool) -> JsonObject:
    document = _run(PREPARING, document, explanation, explain=explain)
    for _ in range(MAX_ROUNDS):
        settled = document
        document = _run(SCHEMA_RULES, document, explanation, explain=explain)
        if document == settled:
            return _run(SHARING, document, explanation, explain=explain)
    raise ContractError(f"the rules for schemas do not settle in {MAX_ROUNDS} rounds")


def is_contract(document: JsonObject) -> bool:
    """Tell whether this pipeline made a document."""
    return _find_source(document) is not None


def _find_source(document: JsonObject) -> str | None:
    info = document.get("info")
    provenance = info.get(prose.PROVENANCE) if is_object(info) else None
    source = provenance.get("source") if is_object(provenance) else None
    return source if isinstance(source, str) else None


def _run(
    steps: tuple[Step, ...], document: JsonObject, explanation: list[str], *, explain: bool
) -> JsonObject:
    for step in steps:
        result = step.apply(document)
        if explain:
            explanation.extend(_explain(step, document, result))
        document = result
    return document


def _explain(step: Step, before: JsonObject, after: JsonObject) -> Iterator[str]:
    changes = list(explain_change(before, after))
    yield f"{step.name}: {step.why} ({len(changes) or 'no'} changes)"
    yield from (f"  {change}" for change in changes)
