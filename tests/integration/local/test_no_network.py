"""What runs on this machine talks to this machine alone, and leaves no file behind."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TIMEOUT_SECONDS = 120
UNSHARE = shutil.which("unshare")
# In a network of its own, whose only way out is a link that counts what is sent to it: a look-up of
# a name, too, since the name server is on no loopback address there.
ISOLATE = """
set -e
echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
ip link set lo up
ip link add out0 type veth peer name out1
ip link set out0 up
ip link set out1 up
ip addr add 192.0.2.1/24 dev out0
ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev out0
ip route add default via 192.0.2.2
"$@" > "$OUTPUT"
ip -s -j link show out0
"""
SEND = "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('198.51.100.1', 53))"
IN_MEMORY = """
from openrouter_rerank import local

with local.client() as client:
    client.rerank.rerank(documents=["Paris", "Berlin"], model="m", query="capital of France")
"""
OVER_SOCKETS = """
from openrouter_rerank import OpenRouter, local

with local.running() as url, OpenRouter(server_url=url) as client:
    client.rerank.rerank(documents=["Paris", "Berlin"], model="m", query="capital of France")
"""
AS_A_PROCESS = """
import signal, subprocess, sys, urllib.request

command = [sys.executable, "-m", "openrouter_rerank.cli", "serve", "--port", "0"]
with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
    url = server.stdout.readline().strip().partition("=")[2]
    body = b'{"model": "m", "query": "q", "documents": ["Paris", "Berlin"]}'
    request = urllib.request.Request(f"{url}/rerank", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as reply:
        assert reply.status == 200
    server.send_signal(signal.SIGTERM)
assert server.returncode == 0
"""
COMMAND = ["-m", "openrouter_rerank.cli"]
RANK = [*COMMAND, "rank", "capital of France", "--document", "Paris", "--document", "Berlin"]


def isolate(command: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of Python's in a network of its own, with an empty HOME."""
    shell = [str(UNSHARE), "--map-root-user", "--net", "sh", "-c", ISOLATE, "sh"]
    return subprocess.run(
        [*shell, sys.executable, *command],
        env={
            "HOME": str(home),
            "OUTPUT": str(home.parent / "output"),
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        check=False,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )


def count_packets(result: subprocess.CompletedProcess[str]) -> int:
    """Return how many packets left for elsewhere."""
    assert result.returncode == 0, result.stderr
    return int(json.loads(result.stdout)[0]["stats64"]["tx"]["packets"])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return an empty folder for HOME."""
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture(autouse=True)
def needs_namespaces(home: Path) -> None:
    """Skip where no network can be made, and prove that its link counts."""
    if UNSHARE is None or shutil.which("ip") is None:
        pytest.skip("needs the commands unshare (util-linux) and ip (iproute2)")
    result = isolate(["-c", SEND], home)
    if result.returncode:
        pytest.skip(f"this machine allows no network namespaces: {result.stderr.strip()}")
    assert count_packets(result) == 1


@pytest.mark.parametrize(
    "command",
    [
        ["-c", IN_MEMORY],
        ["-c", OVER_SOCKETS],
        ["-c", AS_A_PROCESS],
        [*COMMAND, "demo"],
        [*RANK, "--local"],
    ],
    ids=["in memory", "over sockets", "serve", "demo", "rank --local"],
)
def test_nothing_leaves_the_machine(command: list[str], home: Path) -> None:
    """The embedded server and its model send nothing elsewhere and write nothing below HOME."""
    result = isolate(command, home)

    assert count_packets(result) == 0
    assert [path for path in home.rglob("*") if path.is_file()] == []
