"""The command `serve`: the names that it answers for, over a real socket."""

import httpx
import pytest
from integration.cli.commands.test_serve_faults import BODY
from integration.cli.conftest import TIMEOUT_SECONDS, Serve
from openrouter_rerank.cli._serving.access import ALLOW_HOST_VARIABLE

NAMES = ["rerank:8787", "RERANK", "api.internal", "evil.example", "rerank.evil.example"]
EVERYWHERE = "0.0.0.0"  # noqa: S104  that is the case here


@pytest.mark.parametrize("source", ["option", "variable"])
def test_a_container_answers_for_the_names_it_was_given(source: str, serve: Serve) -> None:
    """Names from the option or the variable are answered, others get a 421 that says how."""
    options, variables = ["--host", EVERYWHERE], {}
    if source == "option":
        options += ["--allow-host", "rerank", "--allow-host", "api.internal"]
    else:
        variables = {ALLOW_HOST_VARIABLE: "rerank, api.internal"}

    with serve(*options, **variables) as url, httpx.Client(trust_env=False) as http:
        target = httpx.URL(url).copy_with(host="127.0.0.1")
        replies = [
            http.post(
                f"{target}/rerank", json=BODY, headers={"Host": name}, timeout=TIMEOUT_SECONDS
            )
            for name in NAMES
        ]

    assert [reply.status_code for reply in replies] == [200, 200, 200, 421, 421]
    message = replies[-1].json()["error"]["message"]
    for words in ("--allow-host", ALLOW_HOST_VARIABLE, "allowed_hosts"):
        assert words in message
