"""The whole comparison, and how it is written for people and for programs."""

import json
from typing import Any

from diff_rules.changes import Change, ChangeClass
from diff_rules.reporting import compare_contracts, write_json, write_text

Contract = dict[str, Any]


def test_equal_contracts_have_no_change(old: Contract, new: Contract) -> None:
    """The text says that nothing is to be done, and JSON has no class."""
    changes = compare_contracts(old, new)

    assert changes == []
    assert write_text(changes) == "The contracts are equal; no new version is called for.\n"
    assert json.loads(write_json(changes)) == {
        "class": None,
        "bump": "none",
        "bump_before_1_0": "none",
        "changes": [],
    }


def test_the_text_is_readable_in_a_pull_request(old: Contract, new: Contract) -> None:
    """The class and what it calls for come first, then each change, the worst class first."""
    schemas = new["components"]["schemas"]
    del schemas["Problem"]["properties"]["message"]
    schemas["Thing"]["properties"]["description"]["x-known-values"] = ["a", "b", "c"]
    schemas["Thing"]["description"] = "One thing"

    text = write_text(compare_contracts(old, new))

    assert text == (
        "The change is breaking: it calls for a new major version"
        " (before 1.0: a new minor version).\n"
        "\n"
        "breaking (1):\n"
        "\n"
        "- `response.400.message` (and 1 more place): `field removed`\n"
        "\n"
        "open-enum (1):\n"
        "\n"
        '- `request.description` (and 1 more place): `known values: +"c"`\n'
        "\n"
        "cosmetic (1):\n"
        "\n"
        "- `#/components/schemas/Thing/description`: `changed`\n"
    )


def test_json_holds_every_place(old: Contract, new: Contract) -> None:
    """Programs get the class, the bump and all places of each change."""
    new["components"]["schemas"]["Thing"]["properties"]["size"] = {"type": "integer"}

    report = json.loads(write_json(compare_contracts(old, new)))

    assert report == {
        "class": "additive",
        "bump": "minor",
        "bump_before_1_0": "minor",
        "changes": [
            {
                "class": "additive",
                "path": "request.size",
                "also": ["response.200.size"],
                "message": "new optional field",
            }
        ],
    }


def test_another_way_to_write_the_same_is_cosmetic(old: Contract, new: Contract) -> None:
    """Contracts that are not equal are never reported as equal."""
    thing = new["components"]["schemas"]["Thing"]
    thing["properties"]["name"] = {"allOf": [thing["properties"]["name"]]}

    (change,) = compare_contracts(old, new)

    assert change.path == "#"
    assert change.change_class is ChangeClass.COSMETIC


def test_text_of_upstream_s_cannot_leave_its_code_span() -> None:
    """Backticks, line breaks and endless values stay inside one line of code."""
    change = Change("a`b", ChangeClass.OPEN_ENUM, "x\n@everyone [a](b)" + "c" * 1000)

    line = write_text([change]).splitlines()[-1]

    assert line.startswith("- `a'b`: `x @everyone [a](b)ccc")
    assert line.endswith("ccc...`")
    assert len(line) < 600
