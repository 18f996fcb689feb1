"""Positions of documents, some of which are set aside."""

from hypothesis import given
from hypothesis import strategies as st
from openrouter_rerank._codec.documents import find_positions


@given(st.lists(st.booleans()))
def test_positions_skip_what_is_set_aside(is_kept: list[bool]) -> None:
    """The documents that are sent stand where the caller has them, whatever lies between."""
    kept = [at for at, is_sent in enumerate(is_kept) if is_sent]
    set_aside = [at for at, is_sent in enumerate(is_kept) if not is_sent]

    assert list(find_positions(range(len(kept)), set_aside)) == kept
