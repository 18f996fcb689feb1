"""Models from the generator's own templates and from this repository's, to compare the two."""

import importlib.util
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import attrs
import generate
from contract.reading.contracts import load_contract

# How the generator's own UNSET prints.
STOCK_UNSET = re.compile(r"<[\w.]+\.Unset object at 0x[0-9a-f]+>")


@dataclass(frozen=True)
class ModelPair:
    """
    The models of one contract, generated twice.

    Attributes:
        stock: The models from the generator's own templates.
        own: The models from this repository's templates.
    """

    stock: ModuleType
    own: ModuleType

    def get(self, name: str) -> tuple[Any, Any]:
        """Return the two classes of a name, the stock one first."""
        return getattr(self.stock, name), getattr(self.own, name)


def generate_with_stock_templates(spec: Path, package: Path) -> None:
    """Write a contract's package by the generator's own templates alone."""
    generate.run_generator(load_contract(spec), package, templates=None)


def load_models(package: Path) -> ModuleType:
    """Import the models of a package by its path; the folder's name is the package's."""
    spec = importlib.util.spec_from_file_location(
        package.name, package / "__init__.py", submodule_search_locations=[str(package)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[package.name] = module
    spec.loader.exec_module(module)
    return importlib.import_module(f"{package.name}.models")


def to_comparable(value: Any) -> Any:
    """Return plain data that is equal for equal values of either package."""
    kind = cast("Any", type(value))
    if kind.__name__ == "Unset":
        return "UNSET"
    if attrs.has(kind):
        fields = attrs.fields(kind)
        return kind.__name__, [
            (one.name, to_comparable(getattr(value, one.name))) for one in fields
        ]
    if isinstance(value, dict):
        return "dict", [(key, to_comparable(inner)) for key, inner in cast("Any", value).items()]
    if isinstance(value, list | tuple):
        return kind.__name__, [to_comparable(inner) for inner in cast("list[Any]", value)]
    if isinstance(value, Enum):
        return kind.__name__, value.value
    if isinstance(value, BytesIO):
        return "BytesIO", value.getvalue()
    return kind.__name__, repr(value)


def attempt(call: Callable[..., Any], *arguments: Any) -> Any:
    """Return a call's result as comparable data, or the class name of what it raises."""
    try:
        return to_comparable(call(*arguments))
    except Exception as error:  # noqa: BLE001 # both packages have to raise the same
        return type(error).__name__


def describe_model(cls: Any, data: Any) -> Mapping[str, Any]:
    """Decode a JSON value with a class, and return everything that users can see of the model."""
    try:
        model = cls.from_dict(data)
    except Exception as error:  # noqa: BLE001 # both packages have to raise the same
        return {"raised": type(error).__name__}
    seen = {
        "decoded": to_comparable(model),
        "encoded": attempt(model.to_dict),
        "text": STOCK_UNSET.sub("UNSET", repr(model)),
        "again": attempt(lambda: cls.from_dict(model.to_dict())),
        "equal": model == cls.from_dict(data),
        "hashed": attempt(hash, model),
    }
    if hasattr(model, "additional_properties"):
        seen["keys"] = model.additional_keys
    return seen
