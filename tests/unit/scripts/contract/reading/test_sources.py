"""Sources: what is a URL, and by what name a contract tells of it."""

import pytest
from contract.model import ContractError
from contract.reading.sources import describe_source, is_url

URL = "https://user:hunter2@example.com/openapi.yaml?token=hunter2#part"


@pytest.mark.parametrize(
    ("source", "described"),
    [
        ("openapi.yaml", "openapi.yaml"),
        ("/home/someone/specs/openapi.yaml", "openapi.yaml"),
        ("../specs/openapi.yaml", "openapi.yaml"),
        (URL, "https://example.com/openapi.yaml"),
        ("https://openrouter.ai/openapi.yaml", "https://openrouter.ai/openapi.yaml"),
    ],
)
def test_sources_are_named_without_paths_and_secrets(source: str, described: str) -> None:
    """A file is named by its bare name, a URL without user, password, query and fragment."""
    assert describe_source(source) == described


def test_a_broken_url_is_refused() -> None:
    """What looks like a URL and is none is refused."""
    assert is_url("https://[::1")
    with pytest.raises(ContractError, match="not a URL"):
        describe_source("https://[::1")
