"""The classes that the generator makes of named schemas, compared by name."""

from typing import Any

from diff_rules.changes import Change, ChangeClass
from diff_rules.classes import compare_classes

Contract = dict[str, Any]


def rename(contract: Contract, old_name: str, new_name: str) -> None:
    """Give a schema of the contract another name."""
    schemas = contract["components"]["schemas"]
    schemas[new_name] = schemas.pop(old_name)


def test_a_renamed_class_breaks(old: Contract, new: Contract) -> None:
    """Users import classes by name, and the new name is reported once, not as a class more."""
    rename(new, "Problem", "Failure")

    assert list(compare_classes(old, new)) == [
        Change("#/components/schemas/Problem", ChangeClass.BREAKING, "class renamed to Failure")
    ]


def test_a_renamed_text_changes_nothing(old: Contract, new: Contract) -> None:
    """A schema that makes no class has no name that anybody imports."""
    rename(new, "Name", "Title")
    new["components"]["schemas"]["Thing"]["properties"]["name"] = {
        "$ref": "#/components/schemas/Title"
    }

    assert list(compare_classes(old, new)) == []


def test_a_class_removed_breaks_and_a_new_one_adds(old: Contract, new: Contract) -> None:
    """Objects and closed enums are classes."""
    schemas = new["components"]["schemas"]
    del schemas["Problem"]
    schemas["Colour"] = {"type": "string", "enum": ["red"]}

    assert list(compare_classes(old, new)) == [
        Change("#/components/schemas/Problem", ChangeClass.BREAKING, "class removed"),
        Change("#/components/schemas/Colour", ChangeClass.ADDITIVE, "new class"),
    ]
