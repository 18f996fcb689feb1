"""The command: what it writes, what it says, and that a failure costs nothing."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import generate
import pytest
import sync
from contract.reading.loading import parse_document, read_source
from real_documents import DOCUMENTS, NAMES, needs_documents

SCRIPT = sync.ROOT / "scripts" / "sync.py"
# Runs the interpreter with the arguments, and lets the system end it after so many seconds of
# processor time, which unlike time on the clock does not depend on what else the machine does.
MAX_PROCESSOR_SECONDS = 5
RUN_LIMITED = f"""\
import os, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({MAX_PROCESSOR_SECONDS}, {MAX_PROCESSOR_SECONDS}))
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@pytest.fixture
def source() -> Path:
    """Return the one document that is sure to be there: the contract itself."""
    return sync.OUTPUT


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Return a copy of the contract that may be written over."""
    path = tmp_path / "openapi.yaml"
    path.write_bytes(sync.OUTPUT.read_bytes())
    return path


def edit(path: Path, old: str, new: str) -> None:
    """Change a file's text in one place."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_contract_is_a_fixed_point_of_sync() -> None:
    """The committed contract is what sync makes of it."""
    assert sync.main([str(sync.OUTPUT), "--check"]) == 0


def test_the_contract_is_written(source: Path, tmp_path: Path) -> None:
    """A run writes the same bytes from any working directory, and keeps the source's name."""
    output = tmp_path / "new.yaml"

    result = subprocess.run(
        [sys.executable, str(SCRIPT), str(source), f"--output={output}"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        text=True,
    )

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert output.read_bytes() == source.read_bytes()


def test_json_is_a_source_too(source: Path, output: Path, tmp_path: Path) -> None:
    """Upstream publishes JSON as well, and it gives the same contract."""
    copy = tmp_path / "openapi.json"
    copy.write_text(json.dumps(parse_document(read_source(source))), encoding="utf-8")

    assert sync.main([str(copy), f"--output={output}"]) == 0
    assert output.read_bytes() == source.read_bytes()


def test_check_writes_nothing_and_shows_the_difference(
    source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --check a contract that differs stays, the status is 1, and the difference is shown."""
    edit(output, "minItems: 1", "minItems: 2")
    before = output.read_bytes()

    status = sync.main([str(source), f"--output={output}", "--check"])

    captured = capsys.readouterr()
    assert status == 1
    assert output.read_bytes() == before
    assert "-          minItems: 2\n+          minItems: 1\n" in captured.out
    assert captured.err.splitlines() == [
        "sync: openapi.yaml would change; run: python scripts/sync.py"
    ]


def test_check_of_nothing_is_a_difference(source: Path, tmp_path: Path) -> None:
    """With --check a contract that is not there counts as different, and still is not."""
    output = tmp_path / "new.yaml"

    assert sync.main([str(source), f"--output={output}", "--check"]) == 1
    assert not output.exists()


def test_a_hand_edited_contract_is_no_fixed_point(output: Path) -> None:
    """A field that somebody wrote into the contract changes its hash."""
    edit(output, "        audio:\n", "        amount:\n          type: string\n        audio:\n")

    assert sync.main([str(output), f"--output={output}", "--check"]) == 1


def test_explain_says_what_each_step_changed(
    source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --explain each step has its reason and its changes."""
    assert sync.main([str(source), f"--output={output}", "--explain"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("slice_operation: the contract is POST /rerank alone (")
    assert "strip_prose: the overlay brings our own prose and examples" in "\n".join(lines)


def test_the_overlays_notices_are_printed(
    tmp_path: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For a document that is no contract, actions that did nothing are reported."""
    foreign = tmp_path / "foreign.yaml"
    foreign.write_bytes(sync.OUTPUT.read_bytes())
    edit(foreign, "x-upstream:", "x-other:")

    assert sync.main([str(foreign), f"--output={output}"]) == 0
    assert "overlay: $.components.schemas is redundant" in capsys.readouterr().out
    assert "source: foreign.yaml" in output.read_text(encoding="utf-8")


def break_yaml(path: Path) -> None:
    """Cut the document off in the middle of a string."""
    path.write_text("openapi: '3.1.0\n", encoding="utf-8")


def cut_off(path: Path) -> None:
    """Cut the document off between two lines, which leaves it YAML."""
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("    ProviderPreferences:")], encoding="utf-8")


def drop_operation(path: Path) -> None:
    """Call the path something else."""
    edit(path, "  /rerank:", "  /rank:")


def close_circle(path: Path) -> None:
    """Let a schema hold itself."""
    edit(
        path,
        "            $ref: '#/components/schemas/Result'",
        "            $ref: '#/components/schemas/CreateRerankResponseBody'",
    )


def lose_schema(path: Path) -> None:
    """Leave a reference without its end."""
    edit(path, "    DocumentResponse:\n", "    DocumentAnswer:\n")


def swell(path: Path) -> None:
    """Make the document 50 MB large."""
    with path.open("ab") as file:
        file.truncate(50_000_000)


def become_other(path: Path) -> None:
    """Take another format."""
    path.write_text("swagger: '2.0'\n", encoding="utf-8")


def lose_field(path: Path) -> None:
    """Lose a required field of the reply."""
    text = path.read_text(encoding="utf-8")
    start = text.index("        index:\n")
    end = text.index("        relevance_score:\n", start)
    path.write_text(text[:start] + text[end:], encoding="utf-8")


def remove(path: Path) -> None:
    """Not be there."""
    path.unlink()


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (break_yaml, "not YAML"),
        (cut_off, "leads nowhere"),
        (drop_operation, "no path /rerank"),
        (close_circle, "circular reference"),
        (lose_schema, "DocumentResponse leads nowhere"),
        (swell, "larger than 16 MiB"),
        (become_other, "not OpenAPI 3"),
        (lose_field, "Result.properties.index selects nothing"),
        (remove, "No such file"),
    ],
)
def test_a_failure_is_one_line_and_costs_nothing(
    source: Path, output: Path, tmp_path: Path, damage: Callable[[Path], None], complaint: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Whatever is wrong with a source, the old contract stays and the reason is one line."""
    broken = tmp_path / "source.yaml"
    broken.write_bytes(source.read_bytes())
    before = output.read_bytes()
    damage(broken)

    status = sync.main([str(broken), f"--output={output}"])

    errors = capsys.readouterr().err.splitlines()
    assert status == 1
    assert len(errors) == 1
    assert errors[0].startswith("sync: ")
    assert complaint in errors[0]
    assert output.read_bytes() == before
    assert set(tmp_path.iterdir()) == {path for path in (broken, output) if path.exists()}


def test_a_status_that_the_old_contract_has_is_not_given_up(
    source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A contract with a status that the new one lacks is not written over."""
    edit(output, "        '529':\n", "        '528':\n")
    before = output.read_bytes()

    status = sync.main([str(source), f"--output={output}"])

    assert status == 1
    assert "has lost what openapi.yaml has: the status 528" in capsys.readouterr().err
    assert output.read_bytes() == before


@pytest.mark.parametrize("url", ["http://example.com/openapi.yaml", "https://[::1"])
def test_a_url_that_is_not_https_is_refused(
    url: str, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is fetched over an open line."""
    assert sync.main([url, f"--output={output}"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_url_that_cannot_be_fetched_has_its_own_status(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A job can tell a network that is down from a contract that cannot be made."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{unused.getsockname()[1]}/openapi.yaml"

        status = sync.main([url, f"--output={output}"])

    assert status == 3
    assert "cannot be fetched: ConnectError" in capsys.readouterr().err


def read_python(package: Path) -> dict[str, bytes]:
    """Read the Python of a generated package."""
    return {path.name: path.read_bytes() for path in sorted(package.rglob("*.py"))}


def test_a_grown_enum_changes_no_python(output: Path, tmp_path: Path) -> None:
    """A value more among the known ones gives the same generated Python."""
    edit(output, "            - fp16\n", "            - fp16\n            - fp2\n")
    package = tmp_path / "package"

    assert sync.main([str(output), f"--output={output}"]) == 0
    generate.generate(output, package)

    assert "- fp2\n" in output.read_text(encoding="utf-8")
    assert read_python(package) == read_python(generate.OUTPUT)


@needs_documents
@pytest.mark.parametrize("name", NAMES)
def test_real_documents_sync_in_time(name: str, tmp_path: Path) -> None:
    """A real document gives a contract, a fixed point again, within seconds of processor time."""
    output = tmp_path / "openapi.yaml"
    command = [sys.executable, "-c", RUN_LIMITED, str(SCRIPT), str(DOCUMENTS[name])]

    result = subprocess.run([*command, f"--output={output}"], check=False)

    assert result.returncode == 0
    assert sync.main([str(output), f"--output={output}", "--check"]) == 0
