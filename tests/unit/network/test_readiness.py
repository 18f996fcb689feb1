"""What waits in the TLS layer of an async connection."""

from openrouter_rerank._network.readiness import read_decrypted
from unit.network.connecting import make_tls_pair


def test_all_records_that_have_arrived_are_read() -> None:
    """However many there are, and nothing of a connection that has none or no TLS."""
    client, server = make_tls_pair()
    assert read_decrypted(client) == b""

    server.write(b"one ")
    server.write(b"two")

    assert read_decrypted(client) == b"one two"
    assert read_decrypted(None) == b""
