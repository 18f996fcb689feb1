"""What a server says early, and whether that ends the writing."""

import pytest
from openrouter_rerank._network.early_reply import MOST_BYTES, EarlyReply

REFUSAL = b"HTTP/1.1 413 Too Large\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "ends", "left"),
    [
        (REFUSAL, True, REFUSAL),
        (b"HTTP/1.0 429 ", True, b"HTTP/1.0 429 "),
        (b"HTTP/1.1 307 ", True, b"HTTP/1.1 307 "),
        (b"HTTP/1.1 101 Switching\r\n\r\n", True, b"HTTP/1.1 101 Switching\r\n\r\n"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", True, b"SSH-2.0-OpenSSH_9.2\r\n"),
        (b"HTTP/1.1 41", False, b"HTTP/1.1 41"),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", False, b"HTTP/1.1 200 OK\r\n\r\n{}"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", False, b""),
        (INTERIM * 3, False, b""),
        (INTERIM[:-1], False, INTERIM[:-1]),
        (INTERIM + REFUSAL, True, REFUSAL),
        (b"", True, b""),
    ],
)
def test_refusal_ends_the_writing(data: bytes, ends: bool, left: bytes) -> None:
    """Refusals, nonsense and the end do; interim replies, successes and too few bytes do not."""
    early = EarlyReply()

    assert (early.feed(data), early.take()) == (ends, left)


def test_refusal_may_come_in_pieces() -> None:
    """Every byte may come alone."""
    early = EarlyReply()

    ends = [early.feed(bytes([byte])) for byte in INTERIM + REFUSAL]

    assert ends.index(True) == len(INTERIM) + len("HTTP/1.1 413") - 1
    assert (early.take(), early.take()) == (REFUSAL, b"")


@pytest.mark.parametrize(
    ("data", "is_complete"),
    [
        (b"HTTP/1.1 413 T", False),
        (REFUSAL, False),
        (b"HTTP/1.1 413 T\r\ncontent-LENGTH: 2\r\n\r\n", False),
        (b"HTTP/1.1 413 T\r\nContent-Length: 2\r\nX: 1\r\n\r\n{}", True),
        (INTERIM + b"HTTP/1.1 413 T\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 413 T\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", False),
        (b"HTTP/1.1 413 T\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", True),
    ],
)
def test_end_of_a_refusal_is_known_by_its_head(data: bytes, is_complete: bool) -> None:
    """A length or a last chunk tells it; without them it is the end of the connection."""
    early = EarlyReply()
    early.feed(data)

    assert early.is_complete == is_complete


def test_a_long_success_waits() -> None:
    """What comes early is not collected without end."""
    early = EarlyReply()

    ends = early.feed(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(MOST_BYTES))

    assert (ends, early.is_full) == (False, True)
