"""What the tests of the network share."""

import socket
import time
from collections.abc import Iterator

import pytest
from openrouter_rerank._network.deadline import Attempt
from unit.network.connecting import FAR_SECONDS, under


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Listen on a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def attempt() -> Iterator[Attempt]:
    """Make an attempt that has time."""
    with under(Attempt(time.monotonic() + FAR_SECONDS)) as attempt:
        yield attempt
