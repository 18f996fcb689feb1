"""
A program that answers every POST with a canned reply, for machines without nginx.

It speaks just enough HTTP/1.1 for the clients measured here: `Content-Length`, keep-alive, and no
pipelining.
"""

import asyncio
import re
import signal
import ssl
import sys
from pathlib import Path

END_OF_HEAD = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
COUNT = re.compile(rb"POST /(\d+)/")
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


class Canned(asyncio.Protocol):
    """One connection."""

    def __init__(self, replies: dict[bytes, bytes]) -> None:
        """Take the replies, with their heads, by the first part of the path."""
        self._replies = replies
        self._data = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once the whole request is there."""
        self._data += data
        head_end = self._data.find(END_OF_HEAD)
        if head_end < 0 or not self._transport:
            return
        length = LENGTH.search(self._data, 0, head_end)
        end = head_end + len(END_OF_HEAD) + (int(length[1]) if length else 0)
        if len(self._data) >= end:
            count = COUNT.match(self._data)
            reply = self._replies.get(count[1], NOT_FOUND) if count else NOT_FOUND
            del self._data[:end]
            self._transport.write(reply)


def read_replies(folder: Path) -> dict[bytes, bytes]:
    """Read the canned bodies, and put a head before each."""
    replies: dict[bytes, bytes] = {}
    for path in folder.glob("*.json"):
        body = path.read_bytes()
        head = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        replies[path.stem.encode()] = f"HTTP/1.1 200 OK\r\n{head}".encode() + body
    return replies


async def serve(folder: Path, certificate: Path, ports: tuple[int, int]) -> None:
    """Serve until SIGTERM: plain HTTP on the first port, TLS on the second."""
    replies = read_replies(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    for port, tls in zip(ports, (None, context), strict=True):
        await loop.create_server(lambda: Canned(replies), "127.0.0.1", port, ssl=tls)
    await stopped.wait()


if __name__ == "__main__":
    replies_folder, certificate_file, plain, secure = sys.argv[1:]
    asyncio.run(serve(Path(replies_folder), Path(certificate_file), (int(plain), int(secure))))
