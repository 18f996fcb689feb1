"""Models of this repository's templates do what models of the generator's own templates do."""

import inspect
from copy import deepcopy
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs
import generate
import openrouter_rerank_api.models as committed_models
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from package_twins import Twins, attempt, describe, portray
from schema_values import ANYTHING, NAMES, SchemaValues, damage

KINDS = Path(__file__).parent / "kinds.yaml"
CONTRACT: Any = generate.load_contract(generate.SPEC)["components"]["schemas"]
# Inline objects of the contract are models too; none of them names a field.
INLINE: Any = {name: {"type": "object"} for name in committed_models.__all__}
SCHEMAS: Any = {
    "contract": INLINE | CONTRACT,
    "kinds": generate.load_contract(KINDS)["components"]["schemas"],
}
VALUES = {contract: SchemaValues(schemas) for contract, schemas in SCHEMAS.items()}
MODELS = [
    (contract, name)
    for contract, schemas in SCHEMAS.items()
    for name, schema in schemas.items()
    if "enum" not in schema
]
NO_OBJECTS: tuple[Any, ...] = (None, 1, True, "", "ab", [], [1], ["ab"], [["a", 1]], {1: 2})


@pytest.fixture
def twins(contract: str, request: pytest.FixtureRequest) -> Twins:
    """Return the packages of one of the contracts."""
    packages: Twins = request.getfixturevalue(f"{contract}_twins")
    return packages


@pytest.mark.parametrize(("contract", "name"), MODELS)
def test_json_is_decoded_and_encoded_the_same(contract: str, name: str, twins: Twins) -> None:
    """Valid or not, a value gives the same model, the same JSON, or the same class of error."""
    stock, own = twins.get(name)

    valid = VALUES[contract].of_name(name)

    @settings(max_examples=30)
    @given(valid | damage(valid))
    def compare(data: Any) -> None:
        before = deepcopy(data)

        assert describe(stock, data) == describe(own, data)
        assert before == data

    compare()


@pytest.mark.parametrize(("contract", "name"), MODELS)
def test_valid_json_comes_back_whole(contract: str, name: str, twins: Twins) -> None:
    """What a schema allows is encoded as what was decoded, to the last unknown field."""
    _, own = twins.get(name)

    @settings(max_examples=10)
    @given(VALUES[contract].of_name(name))
    def come_back(data: Any) -> None:
        assert data == own.from_dict(data).to_dict()

    come_back()


@pytest.mark.parametrize(("contract", "name"), MODELS)
def test_changed_models_are_encoded_and_compared_the_same(
    contract: str, name: str, twins: Twins
) -> None:
    """A model with one attribute or one unknown field of whatever kind gives the same JSON."""
    stock, own = twins.get(name)
    fields = [field.name for field in attrs.fields(own)] or ["absent"]

    @settings(max_examples=10)
    @given(VALUES[contract].of_name(name), st.sampled_from(fields), NAMES, ANYTHING)
    def change(data: Any, field: str, key: str, junk: Any) -> None:
        told: list[Any] = []
        for cls in (stock, own):
            model, other = cls.from_dict(data), cls.from_dict(data)
            steps = [attempt(setattr, model, field, junk), attempt(model.to_dict), model == other]
            if hasattr(other, "additional_properties"):
                other[key] = junk
                steps += [portray(other), attempt(other.to_dict), other == model]
                del other[key]
            told.append((steps, attempt(other.to_dict), other == cls.from_dict(data)))

        assert told[0] == told[1]

    change()


@pytest.mark.parametrize(("contract", "name"), MODELS)
def test_models_are_made_and_declared_the_same(contract: str, name: str, twins: Twins) -> None:
    """A class takes the same arguments, in the same order and with the same defaults."""
    made: list[Any] = []
    for cls in twins.get(name):
        parameters = inspect.signature(cls).parameters.values()
        arguments = [(p.name, str(p.kind), portray(p.default)) for p in parameters]
        fields = [(field.name, field.init, field.eq, field.repr) for field in attrs.fields(cls)]
        made.append((arguments, fields, cls.__match_args__, cls.__name__))

    assert made[0] == made[1]


@pytest.mark.parametrize(("contract", "name"), MODELS)
def test_what_is_no_json_object_is_taken_the_same(contract: str, name: str, twins: Twins) -> None:
    """Anything else than a JSON object, another mapping too, gives the same model or error."""
    stock, own = twins.get(name)
    values = (*NO_OBJECTS, MappingProxyType({"a": 1}))

    expected = [describe(stock, value) for value in values]

    assert expected == [describe(own, value) for value in values]
