"""What a server says before it has read the whole request. Pure: no I/O."""

import re

# As much as a status line needs to tell its status (RFC 9112, section 4).
STATUS_BYTES = len(b"HTTP/1.1 200")
MOST_BYTES = 64 * 1024
# RFC 9110, section 15.2: any number of these may come before the reply. 101 ends HTTP.
_INTERIM = r"HTTP/1\.[01] 1(?!01)[0-9]{2}"
_INTERIM_HEAD = rf"{_INTERIM}[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n".encode()
_GOES_ON = rf"{_INTERIM}|HTTP/1\.[01] 2[0-9]{{2}}".encode()
_LENGTH = rb"(?i)\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r?(?:\n|$)"
_LAST_CHUNK = b"\n0\r\n\r\n"


class EarlyReply:
    """
    Collects what arrives while a request is being written.

    A refusal, such as a 413, ends the writing: who wrote on would be reset by a server that closes,
    and wait for ever for one that does not read. Interim replies and successes do not end it.

    Attributes:
        data: What has arrived, without interim replies.
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self.data = b""

    @property
    def is_full(self) -> bool:
        """Whether the rest is to be read after all is written."""
        return len(self.data) > MOST_BYTES

    @property
    def is_complete(self) -> bool:
        """Whether the reply has come to the end that its head tells; False if it tells none."""
        head, end, body = self.data.partition(b"\r\n\r\n")
        if not end:
            return False
        length = re.search(_LENGTH, head)
        return len(body) >= int(length[1]) if length else self.data.endswith(_LAST_CHUNK)

    def feed(self, data: bytes) -> bool:
        """Take what arrived, nothing being the end; return whether there is no use in writing."""
        self.data += data
        while interim := re.match(_INTERIM_HEAD, self.data):
            self.data = self.data[interim.end() :]
        if not data:
            return True
        return len(self.data) >= STATUS_BYTES and not re.match(_GOES_ON, self.data)

    def take(self) -> bytes:
        """Return what has arrived, once."""
        data, self.data = self.data, b""
        return data
