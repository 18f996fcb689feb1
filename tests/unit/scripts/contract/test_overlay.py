"""The overlay's actions, and the notices about them."""

from typing import Any

import pytest
from contract.model import ContractError
from contract.overlay import apply_overlay

Json = dict[str, Any]
NOTHING: Json = {}


def apply(document: Json, *actions: Json) -> tuple[Json, list[str]]:
    """Apply actions and return the result with the notices' text."""
    laid, notices = apply_overlay(document, {"overlay": "1.0.0", "actions": list(actions)})
    return laid, [str(notice) for notice in notices]


@pytest.mark.parametrize(
    ("document", "action", "result"),
    [
        ({"a": {"b": 1}}, {"target": "$.a", "update": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": {"b": {"c": 1}}}, {"target": "$", "update": {"a": {"b": {"d": 2}}}},
         {"a": {"b": {"c": 1, "d": 2}}}),
        ({"a": [1]}, {"target": "$.a", "update": 2}, {"a": [1, 2]}),
        ({"a": [1]}, {"target": "$", "update": {"a": [1, 2]}}, {"a": [1, 2]}),
        ({"a": {"x": {}, "y": {}}}, {"target": "$.a[*]", "update": {"z": 1}},
         {"a": {"x": {"z": 1}, "y": {"z": 1}}}),
        ({"a": [{"n": 1}, {"n": 2}]}, {"target": "$.a[?@.n == 2]", "update": {"m": 3}},
         {"a": [{"n": 1}, {"n": 2, "m": 3}]}),
        ({"a": [{"n": 1}, {"n": 2}, {"n": 1}]}, {"target": "$.a[?@.n == 1]", "remove": True},
         {"a": [{"n": 2}]}),
        ({"a": {"b": {}}}, {"target": "$.a.b", "remove": True}, {"a": {}}),
        ({"a": {"a": {"a": {}}}}, {"target": "$..a", "remove": True}, {}),
    ],
)  # fmt: skip
def test_actions_change_what_they_select(document: Json, action: Json, result: Json) -> None:
    """Objects are merged, lists appended to, and what is removed goes wherever it is."""
    assert apply(document, action)[0] == result


def test_the_document_itself_is_left_alone() -> None:
    """The overlay works on a copy."""
    document: Json = {"a": {}}

    apply(document, {"target": "$.a", "update": {"b": {"c": []}}})

    assert document == {"a": {}}


def test_an_action_that_selects_nothing_is_an_error() -> None:
    """What upstream dropped is not passed over in silence."""
    with pytest.raises(ContractError, match=r"\$\.gone selects nothing"):
        apply({}, {"target": "$.gone", "update": {"a": 1}})


def test_an_optional_action_that_selects_nothing_is_reported() -> None:
    """An action may say that its target need not be there; then it is reported."""
    action = {"target": "$.gone", "update": {"a": 1}, "x-optional": True}

    assert apply({}, action) == ({}, ["overlay: $.gone selects nothing, as it may"])


@pytest.mark.parametrize(
    "update",
    [
        {"b": 1},
        {"b": 1, "description": "ours"},
        {"c": {"d": [2]}},
        {"description": {"type": "string"}},
    ],
)
def test_what_is_already_there_is_redundant(update: Json) -> None:
    """An action whose structure is there already is reported, whatever its prose."""
    document = {"a": {"b": 1, "c": {"d": [1, 2]}, "description": {"type": "string"}}}

    assert apply(document, {"target": "$.a", "update": update})[1] == [
        "overlay: $.a is redundant: its change is already there"
    ]


def test_prose_alone_is_never_redundant() -> None:
    """An action that adds only prose has nothing for upstream to catch up with."""
    document = {"a": {"b": {"type": "string"}}}
    update = {"b": {"description": "ours"}, "example": {"b": "c"}}

    assert apply(document, {"target": "$.a", "update": update})[1] == []


def test_a_replacement_that_changes_nothing_is_redundant() -> None:
    """A removal and the update after it are one replacement."""
    actions = ({"target": "$.a.b", "remove": True}, {"target": "$.a", "update": {"b": [1]}})

    assert apply({"a": {"b": [1]}}, *actions)[1] == [
        "overlay: $.a.b is redundant, as is the update after it"
    ]
    assert apply({"a": {"b": [2]}}, *actions) == ({"a": {"b": [1]}}, [])


def test_what_is_put_in_the_place_of_upstreams_is_reported() -> None:
    """A value of upstream's that the overlay replaces is reported, prose apart."""
    document = {"a": {"b": {"type": "integer", "description": "x"}}}
    update = {"b": {"type": "string", "description": "y"}}

    assert apply(document, {"target": "$.a", "update": update})[1] == [
        "overlay: $.a overrides b.type"
    ]


@pytest.mark.parametrize(
    ("overlay", "complaint"),
    [
        (NOTHING, "not an OpenAPI Overlay 1.0"),
        ({"overlay": "2.0.0", "actions": [NOTHING]}, "not an OpenAPI Overlay 1.0"),
        ({"overlay": "1.0.0", "actions": []}, "no actions"),
        ({"overlay": "1.0.0", "actions": [{"update": NOTHING}]}, "action 1 .* no target"),
        ({"overlay": "1.0.0", "actions": [{"target": "$"}]}, "either update or remove"),
        (
            {"overlay": "1.0.0", "actions": [{"target": "$", "update": NOTHING, "remove": True}]},
            "either update or remove",
        ),
        (
            {"overlay": "1.0.0", "actions": [{"target": "$", "updates": NOTHING}]},
            "unknown key updates",
        ),
        ({"overlay": "1.0.0", "actions": [{"target": "a.b", "update": NOTHING}]}, "not a JSONPath"),
        (
            {"overlay": "1.0.0", "actions": [{"target": "$.a", "update": NOTHING}]},
            "needs an object",
        ),
        ({"overlay": "1.0.0", "actions": [{"target": "$.o", "update": 1}]}, "needs an object"),
        ({"overlay": "1.0.0", "actions": [{"target": "$", "remove": True}]}, "would remove all"),
    ],
)
def test_what_is_no_overlay_is_refused(overlay: Json, complaint: str) -> None:
    """An overlay that cannot mean what it says is refused with a reason."""
    with pytest.raises(ContractError, match=complaint):
        apply_overlay({"a": 1, "o": {}}, overlay)
