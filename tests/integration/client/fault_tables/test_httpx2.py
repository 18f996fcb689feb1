"""Every fault that a server can show, over httpx2's clients and transports."""

from itertools import cycle, product

import pytest
from integration.client.calling import ALL_MODES
from integration.client.conftest import Serve
from integration.client.fault_tables import connections, replies
from integration.client.fault_tables.row import SUCCESS, Row
from integration.client.fault_tables.test_faults import check_error
from integration.client.over_httpx2 import WAYS, call_over, make_own

CONNECTION_ROWS = [
    *connections.connection_rows(),
    *connections.malformed_rows(),
    *connections.deadline_rows(),
    *connections.size_rows(),
]
REPLY_ROWS = [
    *replies.odd_success_rows(),
    *replies.status_rows(),
    *replies.error_in_success_rows(),
    *replies.answer_rows(),
    *replies.wait_rows(),
]
# On sync, no client of the caller's own looks at our deadline while it reads a reply's head.
ENDLESS_ON_SYNC = {"slow headers", "endless 1XX"}
# A client sends by such a transport as is given alone elsewhere: each row about a connection is in
# every mode, over the one and the other in turn, so that both are in every mode with half the rows.
# What a reply says is read from its bytes by the same code whatever brought them, as test_faults.py
# proves: here each of these rows is on one of sync, asyncio and trio, in turn.
CASES = [
    *(
        pytest.param(mode, WAYS[place % 2], row, id=f"{mode}, {WAYS[place % 2]}: {row.name}")
        for place, (row, mode) in enumerate(product(CONNECTION_ROWS, ALL_MODES))
        if mode != "sync" or row.name not in ENDLESS_ON_SYNC
    ),
    *(
        pytest.param(mode, "client", row, id=f"{mode}, client: {row.name}")
        for row, mode in zip(REPLY_ROWS, cycle(ALL_MODES), strict=False)
    ),
]


@pytest.mark.parametrize(("mode", "way", "row"), CASES)
def test_fault_ends_as_the_table_says(mode: str, way: str, row: Row, serve: Serve) -> None:
    """The call ends in the row's class after so many requests and waits; nothing stays open."""
    server = serve(*row.script)
    own = make_own(way, mode)

    outcome = call_over(mode, server.url, own, row.warm + 1, **row.settings)[-1]

    assert (outcome.kind, outcome.status) == (row.kind, row.status), repr(outcome.error)
    # A call that waits for a tenth of a second may be over before the server has read it.
    assert server.wait_for_requests(row.warm + row.requests)
    assert len(server.requests) == row.warm + row.requests
    assert row.waited[0] <= outcome.waited < row.waited[1]
    assert server.wait_for_open(0)
    assert (outcome.result is None) == (row.kind is not SUCCESS)
    if outcome.error is not None:
        check_error(outcome.error, row.requests if row.attempts is None else row.attempts)
