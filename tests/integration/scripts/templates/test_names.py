"""Properties may have any name, whatever the name stands for in a model's code."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import generate
import pytest
from template_models import load_models

NAMES = (
    "additional_keys", "additional_properties", "any", "back\\slash", "cast", "class", "cls", "d",
    "data", "dict", "fields", "from_dict", "id", "json", "mapping", "model", "Name", "name",
    'quo"te', "rest", "self", "src_dict", "to_dict", "UNSET", "value", "with space", "{brace}",
    "_rest", "__class__", "__dict__", "__init__", "__rest", "1st", "\u00e9",
)  # fmt: skip
LEAF = {"$ref": "#/components/schemas/Leaf"}
# Each kind of property has code of its own in to_dict and from_dict, with names of its own.
KINDS: dict[str, tuple[Any, Any]] = {
    "Word": ({"type": "string"}, "a"),
    "Fixed": ({"const": "a"}, "a"),
    "Model": (LEAF, {"label": "a"}),
    "Nullable": ({"anyOf": [LEAF, {"type": "null"}]}, {"label": "a"}),
}


def describe_object(kind: str, *, required: bool) -> dict[str, Any]:
    """Return the schema of an object with a property of one kind for each name."""
    properties = dict.fromkeys(NAMES, KINDS[kind][0])
    return {"type": "object", "properties": properties, "required": list(NAMES) * required}


@pytest.fixture(scope="module")
def models(packages_folder: Path) -> ModuleType:
    """Return the models of a contract in which every kind of property has every name."""
    schemas = {"Leaf": {"type": "object", "properties": {"label": {"type": "string"}}}}
    for kind in KINDS:
        schemas[f"Required{kind}"] = describe_object(kind, required=True)
        schemas[f"Optional{kind}"] = describe_object(kind, required=False)
    content = {"content": {"application/json": {"schema": LEAF}}}
    operation = {"operationId": "a", "responses": {"200": {"description": "A", **content}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Names", "version": "1"},
        "servers": [{"url": "https://example.com"}],
        "paths": {"/a": {"get": operation}},
        "components": {"schemas": schemas},
    }
    spec, package = packages_folder / "names.yaml", packages_folder / "names"
    spec.write_text(json.dumps(document), encoding="utf-8")
    generate.generate(spec, package)
    return load_models(package)


@pytest.mark.parametrize("need", ["Required", "Optional"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_name_comes_back(kind: str, need: str, models: ModuleType) -> None:
    """A model has all the properties, and unknown fields beside them, when all are there."""
    cls = getattr(models, f"{need}{kind}")
    data = dict.fromkeys(NAMES, KINDS[kind][1])

    model = cls.from_dict({**data, "unknown": 1})

    assert {**data, "unknown": 1} == model.to_dict()
    assert model.additional_properties == {"unknown": 1}
    assert model.additional_keys == ["unknown"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_alone_comes_back(name: str, models: ModuleType) -> None:
    """A model has one of the properties when the others are absent, whatever its kind."""
    for kind, (_, value) in KINDS.items():
        cls = getattr(models, f"Optional{kind}")

        assert {name: value} == cls.from_dict({name: value}).to_dict()


def test_a_taken_name_has_an_underscore_at_its_end(models: ModuleType) -> None:
    """A property with the name of a part of the class is an attribute beside that part."""
    model = models.OptionalWord(cls_="a", to_dict_="b", additional_properties_="c")

    assert (model.cls_, model.to_dict_, model.additional_properties_) == ("a", "b", "c")
    assert model.additional_properties == {}
