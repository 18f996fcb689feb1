"""One contract, two packages: of the generator's own templates and of this repository's."""

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

# What the generator's own UNSET looks like.
STOCK_UNSET = re.compile(r"<[\w.]+\.Unset object at 0x[0-9a-f]+>")


@dataclass(frozen=True)
class Twins:
    """
    The two packages of a contract.

    Attributes:
        stock: The models of the generator's own templates.
        own: The models of this repository's templates.
    """

    stock: ModuleType
    own: ModuleType

    def get(self, name: str) -> tuple[Any, Any]:
        """Return the two classes of a name, the stock one first."""
        return getattr(self.stock, name), getattr(self.own, name)


def generate_stock(spec: Path, package: Path) -> None:
    """Write a contract's package as `generate.run_generator` does, but with stock templates."""
    generate.run_module(
        "openapi_python_client",
        "generate",
        f"--path={spec}",
        f"--config={generate.CONFIG}",
        f"--output-path={package}",
        "--meta=none",
        "--fail-on-warning",
        cwd=package.parent,
    )


def load_models(package: Path) -> ModuleType:
    """Import a package's models from where it lies; its folder's name is the package's."""
    spec = importlib.util.spec_from_file_location(
        package.name, package / "__init__.py", submodule_search_locations=[str(package)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[package.name] = module
    spec.loader.exec_module(module)
    return importlib.import_module(f"{package.name}.models")


def portray(value: Any) -> Any:
    """Return what is to be seen of a value, equal for equal values of either package."""
    kind = cast("Any", type(value))
    if kind.__name__ == "Unset":
        return "UNSET"
    if attrs.has(kind):
        fields = attrs.fields(kind)
        return kind.__name__, [(one.name, portray(getattr(value, one.name))) for one in fields]
    if isinstance(value, dict):
        return "dict", [(key, portray(inner)) for key, inner in cast("Any", value).items()]
    if isinstance(value, list | tuple):
        return kind.__name__, [portray(inner) for inner in cast("list[Any]", value)]
    if isinstance(value, Enum):
        return kind.__name__, value.value
    if isinstance(value, BytesIO):
        return "BytesIO", value.getvalue()
    return kind.__name__, repr(value)


def attempt(call: Callable[..., Any], *arguments: Any) -> Any:
    """Portray what a call gives, or name the class of what it raises."""
    try:
        return portray(call(*arguments))
    except Exception as error:  # noqa: BLE001 # whatever the one raises, so must the other
        return type(error).__name__


def describe(cls: Any, data: Any) -> Mapping[str, Any]:
    """Return all that is to be seen of the model that a class makes of a JSON value."""
    try:
        model = cls.from_dict(data)
    except Exception as error:  # noqa: BLE001 # whatever the one raises, so must the other
        return {"raised": type(error).__name__}
    seen = {
        "decoded": portray(model),
        "encoded": attempt(model.to_dict),
        "text": STOCK_UNSET.sub("UNSET", repr(model)),
        "again": attempt(lambda: cls.from_dict(model.to_dict())),
        "equal": model == cls.from_dict(data),
        "hashed": attempt(hash, model),
    }
    if hasattr(model, "additional_properties"):
        names = [*model.additional_properties, *attrs.asdict(model), "absent"]
        seen["keys"] = model.additional_keys
        seen["items"] = [(name in model, attempt(model.__getitem__, name)) for name in names]
    return seen
