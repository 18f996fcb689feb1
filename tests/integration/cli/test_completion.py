"""Completion: what shells are told by the command, and what bash makes of it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from openrouter_rerank._call.defaults import DEFAULT_MODEL
from openrouter_rerank.cli._app import run

from .conftest import TIMEOUT_SECONDS, RunCommand

EMBEDDED = ["minilm", "bge-small", "cross-encoder"]
PREFIXED = [f"local/{name}" for name in EMBEDDED]
VARIABLE = "_OPENROUTER_RERANK_COMPLETE"
COMMAND = Path(sys.executable).with_name("openrouter-rerank")
BASH = shutil.which("bash")
IN_BASH = """
openrouter-rerank --install-completion || exit
source "$HOME/.bashrc"
complete -p openrouter-rerank
COMP_WORDS=(openrouter-rerank serve --model b) COMP_CWORD=3
_openrouter_rerank_completion openrouter-rerank
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(line: str, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> list[str]:
    """Ask as bash does what may stand at the end of a line."""
    patch.setenv(VARIABLE, "complete_bash")
    patch.setenv("COMP_WORDS", line)
    patch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    with pytest.raises(SystemExit, match="0"):
        run([])
    return capsys.readouterr().out.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("", ["rank", "batch", "eval", "serve", "mcp", "demo"]),
        ("serve --model ", EMBEDDED),
        ("serve --model b", ["bge-small"]),
        ("rank q --model ", [DEFAULT_MODEL]),
        ("batch --model c", [DEFAULT_MODEL]),
        ("mcp --model ", [DEFAULT_MODEL]),
        ("rank q --fallback-model ", ["local", *PREFIXED, DEFAULT_MODEL]),
        ("eval --model ", [DEFAULT_MODEL, *PREFIXED]),
        ("eval --local --model ", EMBEDDED),
        ("rank q --on-failure ", ["raise", "keep_order"]),
    ],
)
def test_names_are_offered(
    line: str,
    offered: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where a command or a model is named, the shell hears which there are."""
    found = complete(f"openrouter-rerank {line}", capsys, monkeypatch)

    assert found == offered


@pytest.mark.parametrize(
    "line",
    ["rank q doc", "batch jo", "batch jobs.jsonl -o res", "serve --model ./mo", "rank q --cache f"],
)
def test_files_are_left_to_the_shell(
    line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a file or a folder is named, nothing is offered, so that the shell offers its own."""
    assert complete(f"openrouter-rerank {line}", capsys, monkeypatch) == []


@pytest.mark.parametrize(
    ("shell", "variables", "answer"),
    [
        ("zsh", {}, """_arguments '*: :(("bge-small"))'"""),
        ("fish", {"_TYPER_COMPLETE_FISH_ACTION": "get-args"}, "bge-small"),
    ],
)
def test_other_shells_are_answered(
    shell: str, variables: dict[str, str], answer: str, run_command: RunCommand
) -> None:
    """Zsh and fish get the same in their own form, from a process of its own."""
    asked = {"_TYPER_COMPLETE_ARGS": "openrouter-rerank serve --model b", **variables}

    done = run_command([], variables={VARIABLE: f"complete_{shell}", **asked})

    assert (done.stdout.decode().strip(), done.stderr, done.returncode) == (answer, b"", 0)


@pytest.mark.skipif(not (BASH and COMMAND.exists()), reason="bash or the command is not there")
def test_bash_completes_once_installed(environment: dict[str, str], tmp_path: Path) -> None:
    """Bash takes what --install-completion wrote, and falls back to files."""
    path = f"{COMMAND.parent}:{environment['PATH']}"

    done = subprocess.run(
        [str(BASH), "--norc", "-c", IN_BASH],
        env={**environment, "HOME": str(tmp_path), "PATH": path},
        capture_output=True,
        check=False,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )

    assert done.stderr == ""
    *_, registered, offered = done.stdout.splitlines()
    assert offered == "bge-small"
    assert registered == ("complete -o default -F _openrouter_rerank_completion openrouter-rerank")


def test_another_shell_is_told_which_there_are(environment: dict[str, str], tmp_path: Path) -> None:
    """Started by a shell that has no completion, the command says which have."""
    command = f"'{sys.executable}' -m openrouter_rerank.cli --install-completion; exit $?"

    done = subprocess.run(
        ["/bin/sh", "-c", command],
        env={**environment, "HOME": str(tmp_path)},
        capture_output=True,
        check=False,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )

    assert done.returncode == 1
    assert done.stderr == (
        "openrouter-rerank: completion is for bash, zsh, fish and PowerShell; "
        "run this in one of them.\n"
    )
