"""The command as users run it: a process with pipes, a terminal, signals and a server."""

import fcntl
import json
import os
import pty
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest
from forking.processes import ForkServer

from .conftest import TIMEOUT_SECONDS, RunCommand

ReadTerminal: TypeAlias = Callable[..., tuple[int, str]]
RunInto: TypeAlias = Callable[..., tuple[int, bytes]]

COMMAND = [sys.executable, "-m", "openrouter_rerank.cli"]
QUERY = "What is the capital of France?"
PARIS = "Paris is the capital of France."
RANK = ["rank", QUERY, "--local", "--document", PARIS]
DOCUMENTS = f"Berlin is the capital of Germany.\n{PARIS}\nBread rises because of yeast.\n".encode()


ASCII = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}


@contextmanager
def start(arguments: list[str], environment: dict[str, str]) -> Generator[subprocess.Popen[bytes]]:
    """Start the command with pipes for its output, and end it if the test did not."""
    with subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def read_terminal(environment: dict[str, str], fork_server: ForkServer) -> ReadTerminal:
    """Give what runs the command with a terminal of so many columns, also as input without any."""

    def read(
        arguments: list[str], columns: int, variables: Mapping[str, str], stdin: bytes | None = None
    ) -> tuple[int, str]:
        main, worker = pty.openpty()
        fcntl.ioctl(worker, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        source, feed = os.pipe()
        os.write(feed, stdin or b"")
        os.close(feed)
        streams = (worker if stdin is None else source, worker, worker)
        process = fork_server.start(arguments, {**environment, **variables}, streams)
        os.close(worker)
        os.close(source)
        output = b""
        try:
            while chunk := os.read(main, 65536):
                output += chunk
        except OSError:
            pass  # Linux reports EIO when the last process closes its end.
        os.close(main)
        return process.wait(), output.decode().replace("\r\n", "\n")

    return read


def test_a_pipe_gets_the_whole_text_without_colour(run_interpreter: RunCommand) -> None:
    """In a pipe no line is cut, coloured or padded."""
    long = "Paris, the capital of France, " + "lies on the Seine and " * 40 + "is old."

    done = run_interpreter(
        ["rank", QUERY, "--local"], f"{long}\nother\n".encode(), {"FORCE_COLOR": "1"}
    )

    lines = done.stdout.decode().splitlines()
    assert (done.returncode, done.stderr) == (0, b"")
    assert lines[1].endswith(long)
    assert "\x1b" not in done.stdout.decode()
    assert all(line == line.rstrip() for line in lines)


def test_columns_sets_the_width_of_a_pipe(run_command: RunCommand) -> None:
    """COLUMNS cuts the lines where there is no terminal."""
    done = run_command(["rank", QUERY, "--local"], b"word " * 100, {"COLUMNS": "60"})

    assert max(map(len, done.stdout.decode().splitlines())) <= 60
    assert "…" in done.stdout.decode()


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colour_and_lines_of_its_width(
    variables: dict[str, str], coloured: bool, read_terminal: ReadTerminal
) -> None:
    """On a terminal the text is cut to the width, and NO_COLOR leaves no escape sequence."""
    status, output = read_terminal(["rank", QUERY, "--local"], 50, variables, b"word " * 100)

    assert status == 0
    assert ("\x1b[" in output) is coloured
    assert "…" in output
    assert coloured or max(map(len, output.splitlines())) <= 50


def test_a_terminal_as_standard_input_is_not_waited_for(read_terminal: ReadTerminal) -> None:
    """Without documents and with a terminal as standard input the command line is wrong."""
    status, output = read_terminal(["rank", QUERY], 200, {})

    assert status == 2
    assert output.startswith("openrouter-rerank: no documents.")


def test_an_encoding_without_blocks_is_no_error(
    run_interpreter: RunCommand, server_url: str
) -> None:
    """In ASCII the bar is drawn with # and other characters become question marks."""
    variables = {**ASCII, "OPENROUTER_BASE_URL": server_url}

    done = run_interpreter(["rank", QUERY, "--document", PARIS + " é"], b"", variables)

    assert (done.returncode, done.stderr) == (0, b"")
    assert b"####" in done.stdout
    assert PARIS.encode() + b" ?" in done.stdout


def test_json_is_utf_8_whatever_the_locale(run_interpreter: RunCommand, server_url: str) -> None:
    """--json prints the response as JSON in UTF-8."""
    variables = {**ASCII, "OPENROUTER_BASE_URL": server_url}

    done = run_interpreter(
        ["rank", QUERY, "--json", "--top-n", "1"], DOCUMENTS + "é\n".encode(), variables
    )

    results = json.loads(done.stdout)["results"]
    assert [(item["index"], item["document"]) for item in results] == [(1, {"text": PARIS})]


def test_json_lines_are_ranked(run_command: RunCommand, tmp_path: Path) -> None:
    """A file of JSON Lines gives documents of its strings and objects."""
    file = tmp_path / "docs.jsonl"
    file.write_text(f'"Berlin is in Germany."\n{{"text": "{PARIS}"}}\n', encoding="utf-8")

    done = run_command(["rank", QUERY, str(file), "--local"])

    assert done.stdout.decode().splitlines()[1].endswith(f"1  {PARIS}")


def test_an_image_is_refused_in_one_line(run_command: RunCommand) -> None:
    """The local model reads text only, and the command says so."""
    done = run_command(["rank", QUERY, "--local"], b'{"image": "https://example.com/a.png"}\n')

    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.count(b"\n") == 1
    assert b"422" in done.stderr


def test_the_server_of_the_environment_is_asked(run_command: RunCommand, server_url: str) -> None:
    """OPENROUTER_BASE_URL says who ranks."""
    done = run_command(["rank", QUERY], DOCUMENTS, {"OPENROUTER_BASE_URL": server_url})

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines()[1].endswith(PARIS)


@pytest.fixture
def run_into(environment: dict[str, str], fork_server: ForkServer) -> RunInto:
    """Give what runs the command with other streams than pipes, and returns status and messages."""

    def run(
        arguments: list[str], *, output: int | None = None, closed: Sequence[int] = ()
    ) -> tuple[int, bytes]:
        variables = {**environment, "OPENROUTER_BASE_URL": "http://127.0.0.1:9"}
        with tempfile.TemporaryFile() as errors, Path(os.devnull).open("r+b") as nothing:
            streams = [nothing.fileno(), output or nothing.fileno(), errors.fileno()]
            status = fork_server.start(arguments, variables, streams, closed=closed).wait()
            errors.seek(0)
            return status, errors.read()

    return run


def test_a_closed_pipe_is_silent(run_into: RunInto) -> None:
    """A reader that goes away ends the command without a word."""
    reader, writer = os.pipe()
    os.close(reader)

    with os.fdopen(writer, "wb") as output:
        ended = run_into(RANK, output=output.fileno())

    assert ended == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [RANK, ["demo"]])
def test_a_table_on_a_full_disk_is_one_line(arguments: list[str], run_into: RunInto) -> None:
    """Output that cannot be written is a failure, not a traceback."""
    with Path("/dev/full").open("wb") as output:
        status, errors = run_into(arguments, output=output.fileno())

    assert status == 1
    assert errors.startswith(b"openrouter-rerank: cannot write the output: No space left")
    assert errors.count(b"\n") == 1


def test_an_interrupt_ends_with_130(environment: dict[str, str]) -> None:
    """Ctrl-C while the server thinks is silent and ends in exit status 130."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"
        variables = {**environment, "OPENROUTER_BASE_URL": url}
        with start(["rank", QUERY, "--document", PARIS], variables) as process:
            listener.settimeout(TIMEOUT_SECONDS)
            connection, _ = listener.accept()
            connection.recv(1)
            process.send_signal(signal.SIGINT)
            output, error = process.communicate(timeout=TIMEOUT_SECONDS)
            connection.close()

    assert (process.returncode, output, error) == (130, b"", b"")


@pytest.mark.parametrize(
    ("missing", "extra", "arguments"),
    [
        ("typer", "cli", ["--version"]),
        ("rich.console", "cli", ["rank", QUERY]),
        ("onnxruntime", "local", ["rank", QUERY, "--document", PARIS, "--local"]),
        ("starlette", "local", ["rank", QUERY, "--document", PARIS, "--local"]),
        ("tokenizers", "local", ["demo"]),
        ("uvicorn", "local", ["serve", "--port", "0"]),
    ],
)
def test_a_missing_extra_is_named(
    missing: str, extra: str, arguments: list[str], environment: dict[str, str]
) -> None:
    """Without an extra's packages one line says what to install."""
    program = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv[1:] = {arguments!r}; "
        "from openrouter_rerank.cli import main; sys.exit(main())"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )

    assert done.returncode == 1
    assert f'pip install "openrouter-rerank[{extra}]"'.encode() in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_the_demo_passes(run_command: RunCommand) -> None:
    """The demonstration's known answers come first with the model that ships."""
    done = run_command(["demo"])

    assert (done.returncode, done.stderr) == (0, b"")


def test_a_port_in_use_is_one_line(run_command: RunCommand) -> None:
    """The server says that it cannot listen, and where."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])

        done = run_command(["serve", "--port", port])

    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert port.encode() in done.stderr


@pytest.mark.parametrize(("variables", "warned"), [({}, True), ({"KEY": "secret-key"}, False)])
def test_an_open_address_without_key_is_warned_of(
    variables: dict[str, str], warned: bool, run_command: RunCommand
) -> None:
    """Listening for other machines without a key prints a line on standard error."""
    with socket.create_server(("0.0.0.0", 0)) as listener:  # noqa: S104 - takes the port away
        port = str(listener.getsockname()[1])

        done = run_command(
            ["serve", "--host", "0.0.0.0", "--port", port],  # noqa: S104 - cannot bind
            b"",
            {f"OPENROUTER_SERVE_API_{name}": value for name, value in variables.items()},
        )

    assert (b"warning: " in done.stderr) is warned
    assert b"secret-key" not in done.stderr + done.stdout


def test_serve_prints_how_to_use_it_and_stops_on_a_signal(
    environment: dict[str, str], run_command: RunCommand, tmp_path: Path
) -> None:
    """The printed line makes rank use the server with its key, and Ctrl-C stops it cleanly."""
    key_file = tmp_path / "key"
    key_file.write_text("key-of-the-test\n", encoding="utf-8")
    with start(["serve", "--port", "0", "--api-key-file", str(key_file)], environment) as process:
        assert process.stdout is not None
        line = next((text for text in process.stdout if b"OPENROUTER_BASE_URL=" in text), b"")
        url = line.decode().strip().partition("=")[2]
        variables = {"OPENROUTER_BASE_URL": url}

        refused = run_command(["rank", QUERY], DOCUMENTS, variables)
        accepted = run_command(
            ["rank", QUERY], DOCUMENTS, {**variables, "OPENROUTER_API_KEY": "key-of-the-test"}
        )
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=TIMEOUT_SECONDS)

    assert refused.returncode == 1
    assert b"OPENROUTER_API_KEY" in refused.stderr
    assert accepted.stdout.decode().splitlines()[1].endswith(PARIS)
    assert (process.returncode, error) == (0, b"")


@pytest.mark.parametrize(
    ("variables", "status", "reason"),
    [
        ({"OPENROUTER_API_KEY": "one\ntwo"}, 2, b"OPENROUTER_API_KEY"),
        ({"OPENROUTER_API_KEY": "kéy"}, 2, b"OPENROUTER_API_KEY"),
        ({"SSL_CERT_FILE": "/missing.pem"}, 1, b"No such file"),
        ({"HTTPS_PROXY": "nonsense://proxy"}, 2, b"proxy"),
        ({"HTTPS_PROXY": "http://proxy:99999999"}, 2, b"out of range"),
        ({"OPENROUTER_BASE_URL": "http://[::1"}, 2, b"OPENROUTER_BASE_URL"),
        ({"OPENROUTER_LOG": "loud"}, 2, b"OPENROUTER_LOG"),
    ],
)
@pytest.mark.parametrize("command", ["rank", "batch"])
def test_a_wrong_setting_is_one_line(
    command: str, variables: dict[str, str], status: int, reason: bytes, run_command: RunCommand
) -> None:
    """What a request needs and is wrong ends each command in one line, without a traceback."""
    arguments = {"rank": [QUERY, "--document", PARIS], "batch": ["-", "-o", "-"]}[command]
    job = json.dumps({"query": QUERY, "documents": [PARIS]}).encode()

    done = run_command(
        [command, *arguments], job, {"OPENROUTER_BASE_URL": "https://127.0.0.1:9", **variables}
    )

    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (status, b"", 1)
    assert reason in done.stderr


def test_cut_documents_are_told(run_command: RunCommand) -> None:
    """Beside a table one line says that a document was too long; passages of it are not."""
    long = "Berlin lies on the Spree. " * 100
    arguments = ["rank", QUERY, "--document", long, "--document", PARIS, "--local"]

    cut = run_command(arguments)
    whole = run_command([*arguments, "--passages", "128"])

    assert cut.stderr == (
        b"openrouter-rerank: 1 of 2 documents are longer than the model reads; --passages 128 "
        b"ranks all.\n"
    )
    assert (cut.returncode, whole.returncode, whole.stderr) == (0, 0, b"")


@pytest.mark.parametrize(
    "arguments",
    [
        ["rank", QUERY, "--document", PARIS],
        ["batch", "-", "-o", "-"],
        ["eval", "--model", "cohere/rerank-v3.5"],
    ],
    ids=["rank", "batch", "eval"],
)
def test_without_a_key_both_ways_are_named(arguments: list[str], run_command: RunCommand) -> None:
    """Who has no key reads in one line how to go on with one and without; nothing is sent."""
    job = json.dumps({"query": QUERY, "documents": [PARIS]}).encode()

    done = run_command(arguments, job, {"HTTPS_PROXY": "http://127.0.0.1:9"})

    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().splitlines()[-1] == (
        "openrouter-rerank: there is no key. Set OPENROUTER_API_KEY to yours from "
        "openrouter.ai/keys, or rank on this machine, without a key, with --local."
    )


def test_a_missing_package_for_the_proxy_is_one_line(environment: dict[str, str]) -> None:
    """A SOCKS proxy without its package is named, also by the command that runs a file."""
    program = (
        "import sys; sys.modules['socksio'] = None; sys.argv[1:] = ['batch', '-', '-o', '-']; "
        "from openrouter_rerank.cli import main; sys.exit(main())"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps({"query": QUERY, "documents": [PARIS]}).encode(),
        env={
            **environment,
            "OPENROUTER_BASE_URL": "https://127.0.0.1:9",
            "HTTPS_PROXY": "socks5://127.0.0.1:9",
        },
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )

    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert b"socks" in done.stderr.lower()


def test_the_demo_refuses_a_wrong_key_in_one_line(run_command: RunCommand) -> None:
    """The demonstration sends no key, but a wrong one is no traceback."""
    done = run_command(["demo"], b"", {"OPENROUTER_API_KEY": "one\ntwo"})

    assert b"Traceback" not in done.stderr


UNSAFE = "\x7f\x9b31m\u202e\u200b\U000e0041"


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_a_terminal_gets_no_characters_that_drive_it(
    option: list[str], read_terminal: ReadTerminal, run_command: RunCommand
) -> None:
    """Documents are escaped on a terminal, and go raw into a pipe."""
    arguments = ["rank", QUERY, "--local", "--document", f"a{UNSAFE}b", *option]

    status, shown = read_terminal(arguments, 200, {"NO_COLOR": "1"})
    piped = run_command(arguments)

    assert (status, piped.returncode) == (0, 0)
    assert not set(shown) & set(UNSAFE) - set("31m")
    assert UNSAFE in piped.stdout.decode()


def test_results_on_a_terminal_are_escaped(
    read_terminal: ReadTerminal, server_url: str, tmp_path: Path
) -> None:
    """The lines of a run are still the same JSON there."""
    jobs = tmp_path / "jobs.jsonl"
    jobs.write_text(json.dumps({"query": QUERY, "documents": [f"a{UNSAFE}b"]}), "utf-8")

    _, shown = read_terminal(
        ["batch", str(jobs), "-o", "/dev/stdout"], 2000, {"OPENROUTER_BASE_URL": server_url}
    )

    line = next(line for line in shown.splitlines() if '"position"' in line)
    line = line[line.index('{"position"') :]
    assert not set(line) & set(UNSAFE) - set("31m")
    (result,) = json.loads(line)["result"]["results"]
    assert result["document"]["text"] == f"a{UNSAFE}b"


def run_in_shell(
    redirection: str, arguments: list[str], environment: dict[str, str]
) -> subprocess.CompletedProcess[bytes]:
    """Run the command below a shell that redirects a stream."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**environment, "OPENROUTER_BASE_URL": "http://127.0.0.1:9"},
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


CLOSED = b"openrouter-rerank: standard output is closed. Send it somewhere else.\n"


# That a file gets the number of a closed stream is all that closing the input adds.
@pytest.mark.parametrize("redirection", [">&-", "<&- >&-"])
def test_a_closed_standard_output_is_one_line(
    redirection: str, environment: dict[str, str]
) -> None:
    """It is said before anything is sent."""
    done = run_in_shell(redirection, ["batch", os.devnull, "-o", "-"], environment)

    assert (done.returncode, done.stderr) == (1, CLOSED)


@pytest.mark.parametrize(
    ("closed", "arguments"),
    [
        ([1], ["rank", QUERY, "--document", PARIS]),
        ([1], ["demo"]),
        ([1], ["--help"]),
        ([1], ["batch", "--help"]),
        ([1], ["--version"]),
        ([0, 1], ["--help"]),
    ],
)
def test_everything_that_prints_needs_a_standard_output(
    closed: list[int], arguments: list[str], run_into: RunInto
) -> None:
    """Each command says so, and the help and the version."""
    assert run_into(arguments, closed=closed) == (1, CLOSED)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_every_output_on_a_full_disk_is_one_line(
    arguments: list[str], environment: dict[str, str]
) -> None:
    """Help and version, like tables."""
    done = run_in_shell(">/dev/full", arguments, environment)

    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert b"No space left" in done.stderr


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "<&- 2>&-"])
def test_a_standard_error_that_takes_nothing_changes_nothing(
    redirection: str, environment: dict[str, str], tmp_path: Path
) -> None:
    """The exit status is right, and no message goes into another stream or file."""
    jobs, output = tmp_path / "jobs.jsonl", tmp_path / "out.jsonl"
    jobs.write_text("nonsense\n", "utf-8")

    failed = run_in_shell(redirection, ["batch", str(jobs), "-o", str(output)], environment)

    assert (failed.returncode, failed.stdout, output.read_bytes()) == (3, b"", b"")


@pytest.mark.parametrize("closed", [[2], [0, 2]])
def test_a_wrong_command_line_needs_no_standard_error(
    closed: list[int], run_into: RunInto, tmp_path: Path
) -> None:
    """The exit status is right, and the message does not go into standard output."""
    with (tmp_path / "output").open("w+b") as output:
        status, _ = run_into(["rank", QUERY, "no-such-file"], output=output.fileno(), closed=closed)

        assert (status, output.read()) == (2, b"")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a file without end")
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["rank", QUERY, "/dev/zero"], 1),
        (["batch", "/dev/zero", "-o", "-"], 1),
        (["batch", "/dev/zero", "--format", "csv", "-o", "-"], 1),
        (["serve", "--port", "0", "--api-key-file", "/dev/zero"], 1),
    ],
)
def test_an_input_without_end_is_one_line(
    arguments: list[str], status: int, run_command: RunCommand
) -> None:
    """It does not fill the memory."""
    done = run_command(arguments)

    assert (done.returncode, done.stderr.count(b"\n")) == (status, 1)


@pytest.mark.parametrize("module", ["typer", "numpy", "onnxruntime", "tokenizers", "starlette"])
def test_an_interrupt_while_the_demo_starts_is_silent(
    module: str, environment: dict[str, str]
) -> None:
    """Whatever is being imported, Ctrl-C ends the command at once with 130."""
    program = f"""
import os, signal, sys

# A shell has its background jobs ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)

class Interrupter:
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupter())
sys.argv[1:] = ["demo"]
from openrouter_rerank.cli import main
sys.exit(main())
"""

    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
