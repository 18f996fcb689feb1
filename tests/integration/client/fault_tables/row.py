"""The form of a row in the tables of faults."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integration.client.calling import DOCUMENTS, ONCE
from integration.client.fault_server import Fault
from integration.client.faults import make_answer

SUCCESS: type[object] = type(None)
BODY = json.dumps(make_answer("question", list(DOCUMENTS))).encode()


@dataclass(frozen=True)
class Row:
    """
    One fault.

    Attributes:
        name: Says which.
        script: What the server does with one request after the other.
        kind: What the call ends in.
        requests: How many requests reach the server.
        status: The error's status.
        attempts: What the error says of its attempts; None for as many as requests.
        warm: How many successful calls go before, over the same client.
        waited: The least and the most that the client waits between attempts, in seconds.
        settings: What the client is given.
    """

    name: str
    script: tuple[Fault, ...]
    kind: type[object]
    requests: int = 1
    status: int | None = None
    attempts: int | None = None
    warm: int = 0
    waited: tuple[float, float] = (0.0, 0.9)
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])


def once() -> dict[str, Any]:
    """Return the settings of a client that does not retry."""
    return {"retry_config": ONCE}
