"""Unknown fields: kept in a dict that is made when it is asked for, unnoticed by who looks."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from openrouter_rerank_api import models
from openrouter_rerank_api.models.document_response import DocumentResponse
from openrouter_rerank_api.models.max_price import MaxPrice
from openrouter_rerank_api.models.result import Result
from template_models import ModelPair, attempt

COPIES: dict[str, Callable[[Any], Any]] = {"copy": copy.copy, "deepcopy": copy.deepcopy}
ATTRS: dict[str, Callable[[Any], Any]] = {
    "asdict": attrs.asdict,
    "astuple": attrs.astuple,
    "evolve": lambda model: attrs.evolve(model, prompt="2"),
    "hash": hash,
}


def is_made(model: Any) -> bool:
    """Tell whether a model has its dict of unknown fields, without making it."""
    try:
        type(model).__dict__["additional_properties"].__get__(model)
    except AttributeError:
        return False
    return True


def touch(model: Any) -> Any:
    """Ask a model for its unknown fields, and return the model."""
    assert model.additional_properties == {}
    assert is_made(model)
    return model


def make_models() -> list[Result]:
    """Return results that were not asked, that were, and that have unknown fields."""
    return [
        Result(DocumentResponse(text="a"), 0, 0.5),
        touch(Result(touch(DocumentResponse()), 0, 0.5)),
        Result.from_dict({"document": {"x": [1]}, "index": 0, "relevance_score": 1, "y": {}}),
    ]


def test_the_dict_is_made_once_and_when_it_is_asked_for() -> None:
    """A model without unknown fields has no dict until then, and the same one ever after."""
    model = MaxPrice.from_dict({"prompt": "1"})
    made_before = is_made(model)

    model.additional_properties["x"] = 1

    assert not made_before
    assert model.additional_properties is model.additional_properties
    assert model.to_dict() == {"prompt": "1", "x": 1}


def test_who_asked_makes_no_difference() -> None:
    """Models with and without the dict are equal and read the same; one with a field is not."""
    plain, touched = MaxPrice(prompt="1"), touch(MaxPrice(prompt="1"))
    other = MaxPrice.from_dict({"prompt": "1", "x": 1})

    assert plain == touched
    assert touched == MaxPrice(prompt="1")
    assert repr(MaxPrice(prompt="1")) == repr(touched)
    assert MaxPrice(prompt="1") != other
    assert repr(plain) == (
        "MaxPrice(audio=UNSET, completion=UNSET, image=UNSET, prompt='1', request=UNSET, "
        "additional_properties={})"
    )


@pytest.mark.parametrize("way", COPIES)
def test_copies_are_equal(way: str) -> None:
    """A copy is equal to its model, asked or not, unknown fields and all."""
    models = make_models()

    copies = [COPIES[way](model) for model in models]

    assert models == copies
    assert repr(models) == repr(copies)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_are_equal(protocol: int) -> None:
    """What comes out of a pickle is equal to what went in, in every protocol."""
    models = make_models()

    unpickled = pickle.loads(pickle.dumps(models, protocol))  # noqa: S301 # its own

    assert models == unpickled
    assert repr(models) == repr(unpickled)


def test_a_deep_copy_has_its_own_fields_and_a_shallow_one_shares_them() -> None:
    """Unknown fields follow Python's rules for copies, even when they were empty before."""
    model = MaxPrice()
    shallow, deep = copy.copy(model), copy.deepcopy(model)

    model.additional_properties["x"] = 1

    assert shallow.additional_properties == {"x": 1}
    assert deep.additional_properties == {}


@pytest.mark.parametrize("do", ATTRS)
@pytest.mark.parametrize("data", [{}, {"prompt": "1"}, {"prompt": "1", "x": 1}], ids=repr)
def test_functions_of_attrs_do_as_ever(
    do: str, data: dict[str, Any], contract_models: ModelPair
) -> None:
    """What attrs makes of a model is what it makes of a stock one; neither can be hashed."""
    stock, own = contract_models.get("MaxPrice")

    expected = attempt(ATTRS[do], stock.from_dict(data))

    assert expected == attempt(ATTRS[do], own.from_dict(data))


USES: dict[str, Callable[[Any], object]] = {
    "in": lambda model: "text" in model,
    "get": lambda model: model["index"],
    "len": len,
    "iterate": list,
    "dict": dict,
    "reversed": reversed,
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("name", models.__all__)
def test_a_model_is_no_mapping_and_no_list(name: str, use: str) -> None:
    """No use of a model as another type finds half of its fields: each is a TypeError."""
    model = object.__new__(getattr(models, name))

    with pytest.raises(TypeError):
        USES[use](model)


def test_an_item_of_a_model_cannot_be_set_or_deleted() -> None:
    """What would have been lost beside the field of its name is refused."""
    document: Any = DocumentResponse(text="a")

    with pytest.raises(TypeError):
        document["text"] = "b"
    with pytest.raises(TypeError):
        del document["text"]


@pytest.mark.parametrize("name", ["aditional_properties", "text", "__len__", "__deepcopy__"])
def test_an_unknown_attribute_is_an_attribute_error(name: str) -> None:
    """No other attribute appears by itself or can be set; the error names it."""
    model = MaxPrice()

    with pytest.raises(AttributeError, match=rf"'MaxPrice' object has no attribute '{name}'"):
        getattr(model, name)
    with pytest.raises(AttributeError):
        setattr(model, name, 1)
    assert not hasattr(model, name)
