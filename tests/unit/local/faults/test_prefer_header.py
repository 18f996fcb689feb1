"""Reading `Prefer`."""

import pytest
from openrouter_rerank.local._faults.prefer_header import find_preference


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        (["code=429"], "429"),
        (['CODE = "429"'], "429"),
        ([r'code="4\29"'], "429"),
        (["respond-async, code=429; a=b"], "429"),
        (["code=429;a", "code=503"], "429"),
        (["wait=1", "\tcode=503 "], "503"),
        (["code=429, code=503"], "429"),
        (['note="a, code=400", code=503'], "503"),
        (['wait=1; note="code=400;", code=503'], "503"),
        (["code"], ""),
        (["code="], None),
        (["code 429"], None),
        (["codes=429"], None),
        (["a=b; code=429"], None),
        (["=, ,;,code=429"], "429"),
        (['note="open, code=429'], None),
        ([""], None),
        ([], None),
    ],
)
def test_preference_is_found(headers: list[str], value: str | None) -> None:
    """Lists, quotes, parameters and repetitions are read as RFC 7240, section 2, says."""
    assert find_preference(headers, "code") == value


@pytest.mark.parametrize("piece", ['"', '\\"', '"\\', ";", "code=", "a,", "a=b;", " "])
def test_long_nonsense_is_read_quickly(piece: str) -> None:
    """Text made to be hard on a pattern does not hold up the server."""
    assert find_preference([piece * 100_000], "prefer") is None
