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
from contract.reading.contracts import load_contract
from hypothesis import given, settings
from hypothesis import strategies as st
from schema_strategies import ANYTHING, NAMES, SchemaStrategies, with_damage
from template_models import ModelPair, attempt, describe_model, to_comparable

KINDS = Path(__file__).parent / "kinds.yaml"
CONTRACT: Any = load_contract(generate.SPEC)["components"]["schemas"]
# Inline objects of the contract are models too; none of them names a field.
INLINE: Any = {name: {"type": "object"} for name in committed_models.__all__}
SCHEMAS: Any = {
    "contract": INLINE | CONTRACT,
    "kinds": load_contract(KINDS)["components"]["schemas"],
}
VALUES = {contract: SchemaStrategies(schemas) for contract, schemas in SCHEMAS.items()}
MODELS = [
    (contract, name)
    for contract, schemas in SCHEMAS.items()
    for name, schema in schemas.items()
    if "enum" not in schema
]
NO_OBJECTS: tuple[Any, ...] = (None, 1, True, "", "ab", [], [1], ["ab"], [["a", 1]], {1: 2})


@pytest.fixture
def pair(contract: str, request: pytest.FixtureRequest) -> ModelPair:
    """Return the packages of one of the contracts."""
    packages: ModelPair = request.getfixturevalue(f"{contract}_models")
    return packages


@pytest.mark.parametrize(("contract", "name"), MODELS)
def test_json_is_decoded_and_encoded_the_same(contract: str, name: str, pair: ModelPair) -> None:
    """Valid or not, a value gives the same model, the same JSON, or the same class of error."""
    stock, own = pair.get(name)

    @settings(max_examples=15)
    @given(with_damage(VALUES[contract].of_name(name)))
    def compare(values: tuple[Any, Any]) -> None:
        before = deepcopy(values)

        for data in values:
            assert describe_model(stock, data) == describe_model(own, data)
        assert before == values

    compare()


@pytest.mark.parametrize(("contract", "name"), MODELS)
def test_valid_json_comes_back_whole(contract: str, name: str, pair: ModelPair) -> None:
    """What a schema allows is encoded as what was decoded, to the last unknown field."""
    _, own = pair.get(name)

    @settings(max_examples=10)
    @given(VALUES[contract].of_name(name))
    def come_back(data: Any) -> None:
        assert data == own.from_dict(data).to_dict()

    come_back()


@pytest.mark.parametrize(("contract", "name"), MODELS)
def test_changed_models_are_encoded_and_compared_the_same(
    contract: str, name: str, pair: ModelPair
) -> None:
    """A model with one attribute or one unknown field of whatever kind gives the same JSON."""
    stock, own = pair.get(name)
    fields = [field.name for field in attrs.fields(own)] or ["absent"]

    @settings(max_examples=10)
    @given(VALUES[contract].of_name(name), st.sampled_from(fields), NAMES, ANYTHING)
    def change(data: Any, field: str, key: str, junk: Any) -> None:
        told: list[Any] = []
        for cls in (stock, own):
            model, other = cls.from_dict(data), cls.from_dict(data)
            steps = [attempt(setattr, model, field, junk), attempt(model.to_dict), model == other]
            if hasattr(other, "additional_properties"):
                other.additional_properties[key] = junk
                steps += [to_comparable(other), attempt(other.to_dict), other == model]
                del other.additional_properties[key]
            told.append((steps, attempt(other.to_dict), other == cls.from_dict(data)))

        assert told[0] == told[1]

    change()


@pytest.mark.parametrize(("contract", "name"), MODELS)
def test_models_are_made_and_declared_the_same(contract: str, name: str, pair: ModelPair) -> None:
    """A class takes the same arguments, in the same order and with the same defaults."""
    made: list[Any] = []
    for cls in pair.get(name):
        parameters = inspect.signature(cls).parameters.values()
        arguments = [(p.name, str(p.kind), to_comparable(p.default)) for p in parameters]
        fields = [(field.name, field.init, field.eq, field.repr) for field in attrs.fields(cls)]
        made.append((arguments, fields, cls.__match_args__, cls.__name__))

    assert made[0] == made[1]


@pytest.mark.parametrize(("contract", "name"), MODELS)
def test_what_is_no_json_object_is_taken_the_same(
    contract: str, name: str, pair: ModelPair
) -> None:
    """Anything else than a JSON object, another mapping too, gives the same model or error."""
    stock, own = pair.get(name)
    values = (*NO_OBJECTS, MappingProxyType({"a": 1}))

    expected = [describe_model(stock, value) for value in values]

    assert expected == [describe_model(own, value) for value in values]
