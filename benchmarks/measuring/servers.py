"""The answering server, in its own process: nginx if installed, else an asyncio program."""

import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from .canned import COUNTS, write_reply

HOST = "127.0.0.1"
START_SECONDS = 10.0
POLL_SECONDS = 0.02
# Debian installs it where only root looks.
MORE_FOLDERS = "/usr/sbin:/usr/local/sbin"
ASYNCIO_PROGRAM = Path(__file__).with_name("canned_server.py")

# nginx answers a POST for a static file with 405, which we turn into the file. The mirror makes it
# read the request's whole body first, as a real server would.
NGINX_CONFIGURATION = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_buffer_size 8m;
    client_body_temp_path body;
    client_max_body_size 0;
    default_type application/json;
    etag off;
    fastcgi_temp_path fastcgi;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    proxy_temp_path proxy;
    scgi_temp_path scgi;
    uwsgi_temp_path uwsgi;
    server {{
        listen {host}:{plain} backlog=4096;
        listen {host}:{secure} ssl backlog=4096;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        open_file_cache max=16 inactive=1h;
        open_file_cache_valid 1h;
        location ~ ^/(?<count>[0-9]+)/ {{
            alias {replies}/$count.json;
            error_page 405 =200 /replies/$count.json;
            mirror /read;
        }}
        location /replies/ {{ internal; alias {replies}/; }}
        location = /read {{ internal; return 204; }}
    }}
}}
"""


class Server(NamedTuple):
    """
    A running server.

    Attributes:
        name: What it is, with its version.
        fault: Why it is not nginx; "" if it is.
        plain: Its origin for plain HTTP.
        secure: Its origin for TLS.
        certificate: The certificate to trust.
    """

    name: str
    fault: str
    plain: str
    secure: str
    certificate: Path


@contextmanager
def serving() -> Iterator[Server]:
    """Run the server on free ports, with a certificate made for it."""
    import trustme

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        replies = folder / "replies"
        replies.mkdir()
        for count in COUNTS:
            (replies / f"{count}.json").write_bytes(write_reply(count))
        authority = trustme.CA()
        authority.cert_pem.write_to_path(folder / "authority.pem")
        chain = folder / "server.pem"
        authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(chain)
        plain, secure = find_ports(2)
        command, fault = write_command(folder, replies, chain, plain, secure)
        with running(command, plain, secure):
            yield Server(
                read_name(command),
                fault,
                f"http://{HOST}:{plain}",
                f"https://{HOST}:{secure}",
                folder / "authority.pem",
            )


def find_ports(count: int) -> list[int]:
    """Find free ports, since nginx cannot choose one itself."""
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [found.getsockname()[1] for found in sockets]
    for found in sockets:
        found.close()
    return ports


def write_command(
    folder: Path, replies: Path, chain: Path, plain: int, secure: int
) -> tuple[list[str], str]:
    """Return the command that serves the replies, and why it is not nginx, or ""."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path=MORE_FOLDERS)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        NGINX_CONFIGURATION.format(
            host=HOST, plain=plain, secure=secure, certificate=chain, replies=replies
        ),
        encoding="utf-8",
    )
    command = [nginx or "", "-e", "stderr", "-p", str(folder), "-c", str(configuration)]
    fault = find_fault(command) if nginx else f"nginx is neither on PATH nor in {MORE_FOLDERS}"
    program = [sys.executable, str(ASYNCIO_PROGRAM), str(replies), str(chain)]
    return ([*program, f"{plain}", f"{secure}"] if fault else command), fault


def find_fault(command: list[str]) -> str:
    """Return why nginx cannot be used, such as a module that it was built without, or ""."""
    test = subprocess.run(  # noqa: S603 - nginx
        [*command, "-t"], capture_output=True, check=False, text=True
    )
    if test.returncode == 0:
        return ""
    return f"{command[0]} does not take its configuration: {test.stderr.strip()}"


def read_name(command: list[str]) -> str:
    """Return what the server is, with its version."""
    if command[0] == sys.executable:
        return "an asyncio server"
    said = subprocess.run([command[0], "-v"], capture_output=True, check=True)  # noqa: S603 - nginx
    version = re.search(r"nginx/[\d.]+", said.stderr.decode())
    return version[0].replace("/", " ") if version else "nginx"


@contextmanager
def running(command: list[str], *ports: int) -> Iterator[None]:
    """Run a server during the block, which starts once it accepts connections."""
    with subprocess.Popen(command) as process:  # noqa: S603 - one of the two servers
        try:
            for port in ports:
                wait_for_port(process, port)
            yield
        finally:
            process.terminate()


def wait_for_port(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until something listens on the port."""
    ends_at = time.monotonic() + START_SECONDS
    while time.monotonic() < ends_at and process.poll() is None:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(POLL_SECONDS)
        else:
            return
    raise RuntimeError(f"the server did not start listening on port {port}")
