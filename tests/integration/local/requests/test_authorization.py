"""The server's own key, over real sockets."""

import httpx
import pytest
from integration.local.messages import BODY
from integration.local.rankers import ConstantRanker
from openrouter_rerank.local import running


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (None, 401),
        ("Bearer wrong", 401),
        ("Bearer", 401),
        ("Basic the-key", 401),
        ("Bearer the-key", 200),
        ("bearer  the-key", 200),
    ],
)
def test_key_is_required_when_there_is_one(sent: str | None, status: int) -> None:
    """Only the right key as a bearer token gets an answer, and no reply repeats a key."""
    headers = {} if sent is None else {"Authorization": sent}

    with running(ConstantRanker(), api_key="the-key") as url:
        reply = httpx.post(f"{url}/rerank", json=BODY, headers=headers)

    assert reply.status_code == status
    assert reply.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)
    assert "the-key" not in reply.text
