"""Annotations of the public API can be read at run time, as frameworks and readers do."""

import inspect
import sys
import typing
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from importlib import import_module
from pkgutil import walk_packages
from types import FunctionType, ModuleType
from typing import Any, cast

import openrouter_rerank
import openrouter_rerank_api
import pytest
from openrouter_rerank import OpenRouter, RerankJob, _lazy_types
from openrouter_rerank._call import setting_types
from openrouter_rerank.operations import CreateRerankResponseBody

PACKAGES = (openrouter_rerank, openrouter_rerank_api)
ROOTS = tuple(package.__name__ for package in PACKAGES)


def list_modules() -> list[str]:
    """List the modules that no part of whose path is private."""
    found = [
        module.name
        for package in PACKAGES
        for module in walk_packages(package.__path__, f"{package.__name__}.")
    ]
    return [*ROOTS, *(name for name in found if "._" not in name)]


def is_ours(value: object) -> bool:
    """Return whether a class or function was made here, and not by a framework."""
    return str(getattr(value, "__module__", "")).startswith(ROOTS)


def unwrap(attribute: object) -> Iterator[Callable[..., object]]:
    """Find the functions behind an attribute of a class."""
    match attribute:
        case staticmethod() | classmethod():
            yield cast("Any", attribute).__func__
        case property():
            yield from filter(None, [attribute.fget, attribute.fset])
        case cached_property():
            yield attribute.func
        case FunctionType():
            yield attribute
        case _:
            return


def find_annotated(module: ModuleType) -> Iterator[Callable[..., object]]:
    """Find a module's public functions and classes, and the classes' methods."""
    names = getattr(module, "__all__", None) or [n for n in dir(module) if n[0] != "_"]
    for value in (getattr(module, name) for name in names):
        if not is_ours(value):
            continue
        if inspect.isfunction(value):
            yield value
        elif inspect.isclass(value):
            yield from find_annotated_of_class(value)


def find_annotated_of_class(kind: type) -> Iterator[Callable[..., object]]:
    """Find a class of ours and its methods, those of its bases included."""
    for base in filter(is_ours, kind.__mro__):
        yield base
        for attribute in vars(base).values():
            yield from filter(is_ours, unwrap(attribute))


def read_hints(annotated: Callable[..., object]) -> dict[str, object]:
    """Return the hints; attrs has not always told its own methods where the class stands."""
    if annotated.__name__ == "__init__":
        return typing.get_type_hints(annotated, vars(sys.modules[annotated.__module__]))
    return typing.get_type_hints(annotated)


@pytest.mark.parametrize("name", list_modules())
def test_hints_of_everything_public_resolve(name: str) -> None:
    """`typing.get_type_hints` finds each name in the annotations of the public API."""
    for annotated in find_annotated(import_module(name)):
        hints = read_hints(annotated)

        assert not any(isinstance(hint, str) for hint in hints.values())


def test_hints_of_the_operation_resolve() -> None:
    """So do those of what a client's attributes hold, whose classes are private."""
    client_attributes = [OpenRouter.rerank, OpenRouter.hooks]
    outcomes = [_lazy_types.RerankOutcomes, _lazy_types.AsyncRerankOutcomes]
    kinds = [*map(type, client_attributes), type(OpenRouter().rerank.with_raw_response), *outcomes]

    annotated = [it for kind in kinds for it in find_annotated_of_class(kind)]
    hints = {it.__qualname__: read_hints(it) for it in annotated}

    assert hints["Rerank.rerank_many"]["jobs"] == Iterable[RerankJob]
    assert hints["Rerank.rerank"]["return"] is CreateRerankResponseBody


@pytest.mark.parametrize("module", [_lazy_types, setting_types], ids=lambda module: module.__name__)
def test_annotations_name_only_what_is_there(module: ModuleType) -> None:
    """Each type that annotations name can be had, and no other name."""
    assert all(getattr(module, name) is not None for name in module.__all__)

    with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'nope'"):
        module.nope  # noqa: B018
