"""UNSET stays itself wherever a model goes, with only the generated package there."""

import json
import subprocess
import sys
from typing import Any

import pytest
from openrouter_rerank_api import types, unset

COPIES = """\
import copy, json, pickle
from openrouter_rerank_api.models.max_price import MaxPrice
from openrouter_rerank_api.unset import UNSET

model = MaxPrice(audio="1")
copies = {"copy": copy.copy, "deepcopy": copy.deepcopy}
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    copies[f"pickle {protocol}"] = lambda value, n=protocol: pickle.loads(pickle.dumps(value, n))
told = {}
for name, make in copies.items():
    again = make(model)
    told[name] = [make(UNSET) is UNSET, again.prompt is UNSET, again == model, again.to_dict()]
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def copies() -> dict[str, Any]:
    """Return what a fresh interpreter tells of each kind of copy of UNSET and of a model."""
    result = subprocess.run([sys.executable, "-c", COPIES], capture_output=True, check=True)
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def test_unset_is_falsy_and_prints_its_name() -> None:
    """It is no value, reads as its name, and is one and the same in both modules."""
    assert not unset.UNSET
    assert repr(unset.UNSET) == "UNSET"
    assert types.UNSET is unset.UNSET
    assert types.Unset is unset.Unset


@pytest.mark.parametrize("way", ["copy", "deepcopy", *(f"pickle {n}" for n in range(6))])
def test_unset_survives_copies_and_pickles(way: str, copies: dict[str, Any]) -> None:
    """What comes out is UNSET itself, alone and in a model, and is left out of the JSON again."""
    expected = [True, True, True, {"audio": "1"}]

    assert expected == copies[way]
