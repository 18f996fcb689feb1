"""Python sources read without importing them."""

import ast
from pathlib import Path

import pytest
from contract.model import ContractError
from drift_checks.syntax import (
    find_definitions,
    find_value,
    list_constants,
    list_imports,
    list_keywords,
    list_values,
)

SOURCE = """
import os.path
from a.b import c
from . import d

NAMES: tuple = ("x", "y")
TABLE = wrap({1: One, "two": "second"})
later: int

class Thing:
    @overload
    def act(self, a, /): ...
    def act(self, b, *, c=1): ...

def act(): ...

class Options(TypedDict):
    depth: int
    size: int = 1
    self.other: int
"""
MODULE = ast.parse(SOURCE)
PATH = Path("a.py")


def test_overloads_are_all_found() -> None:
    """A method is found by its dotted name, each definition with what it takes by name."""
    methods = find_definitions(MODULE, "Thing.act")

    assert [list(list_keywords(method)) for method in methods] == [[], ["self", "b", "c"]]


def test_keys_of_a_typed_dict_are_keywords() -> None:
    """A class gives the names that it annotates."""
    (options,) = find_definitions(MODULE, "Options")

    assert list_keywords(options) == {"depth": 18, "size": 19}


def test_functions_of_a_class_are_not_those_of_the_module() -> None:
    """A plain name is one of the module's own functions."""
    assert [function.lineno for function in find_definitions(MODULE, "act")] == [15]


def test_constants_of_tuples_and_keys_of_wrapped_mappings_are_listed() -> None:
    """A tuple gives its entries, a mapping inside a call its keys."""
    assert list_constants(find_value(MODULE, "NAMES", PATH)) == {"x": 6, "y": 6}
    assert list_constants(find_value(MODULE, "TABLE", PATH)) == {1: 7, "two": 7}


def test_texts_among_the_values_of_a_mapping_are_listed() -> None:
    """Values that are not text are passed over."""
    assert list_values(find_value(MODULE, "TABLE", PATH)) == {"second": 7}


@pytest.mark.parametrize("name", ["absent", "later"])
def test_a_name_without_a_value_is_an_error(name: str) -> None:
    """A name that is only declared, or not there, has no value."""
    with pytest.raises(ContractError, match=rf"a\.py assigns nothing to {name}"):
        find_value(MODULE, name, PATH)


def test_imports_by_whole_name_are_listed() -> None:
    """Relative imports stay inside the package and are left out."""
    assert list(list_imports(MODULE)) == [("os.path", 2), ("a.b", 3)]
