"""The generator's wrapper: same bytes, nothing lost, nothing foreign replaced."""

import shutil
from pathlib import Path

import generate
import pytest
import yaml

MINIMAL_SPEC = """\
openapi: 3.1.0
info: {title: Example, version: '1'}
servers: [{url: 'https://example.com/v1'}]
paths:
  /things:
    post:
      operationId: createThing
      tags: [Thing]
      responses:
        '200':
          description: A thing
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Thing'}
components:
  schemas:
    Thing:
      type: object
      properties:
        name: {type: string}
"""
# The generator cannot add prose to a schema that may be null, and leaves the operation out.
DROPPED_OPERATION = MINIMAL_SPEC.replace("type: object", "type: [object, 'null']").replace(
    "{$ref: '#/components/schemas/Thing'}",
    "{properties: {a: {allOf: [{$ref: '#/components/schemas/Thing'}, {description: A}]}}}",
)
# The function calls the list's JSON what the second parameter is called.
OVERWRITTEN_ARGUMENT = MINIMAL_SPEC.replace(
    "      tags: [Thing]",
    "      tags: [Thing]\n"
    "      parameters:\n"
    "      - {name: a, in: query, schema: {type: array, items: {type: string}}}\n"
    "      - {name: json_a, in: query, schema: {type: string}}",
)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """Return a small contract's file."""
    path = tmp_path / "spec.yaml"
    path.write_text(MINIMAL_SPEC, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a package generated from the small contract, for tests to copy."""
    folder = tmp_path_factory.mktemp("generated")
    spec, output = folder / "spec.yaml", folder / "package"
    spec.write_text(MINIMAL_SPEC, encoding="utf-8")
    assert generate.main(["--spec", str(spec), "--output", str(output)]) == 0
    return output


@pytest.fixture
def package(tmp_path: Path, generated: Path) -> Path:
    """Return a package generated from the small contract, for one test to change."""
    return shutil.copytree(generated, tmp_path / "package")


def read_tree(folder: Path) -> dict[str, bytes]:
    """Read every file below the folder."""
    return {name: (folder / name).read_bytes() for name in generate.list_files(folder)}


def test_committed_package_is_what_the_contract_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes come out elsewhere, below hostile settings of ruff and of git."""
    elsewhere = tmp_path / "build"
    elsewhere.mkdir()
    (tmp_path / "ruff.toml").write_text("line-length = 40\n[format]\nquote-style='single'\n")
    (tmp_path / ".gitignore").write_text("*\n")
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("RUFF_OUTPUT_FORMAT", "nonsense")
    output = elsewhere / "openrouter_rerank_api"

    status = generate.main(["--output", str(output)])

    assert status == 0
    assert read_tree(generate.OUTPUT) == read_tree(output)


def test_every_file_says_that_it_is_generated() -> None:
    """No file of the package can be mistaken for one that people edit."""
    silent = [
        name
        for name, content in read_tree(generate.OUTPUT).items()
        if generate.NOTICE.encode() not in content[:200]
    ]

    assert silent == []


def test_check_accepts_a_current_package(spec: Path, package: Path) -> None:
    """A package that is what the contract gives passes, caches of Python's aside."""
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "client.cpython-311.pyc").write_bytes(b"\0")

    assert generate.main(["--check", "--spec", str(spec), "--output", str(package)]) == 0


def test_check_shows_every_kind_of_difference(
    spec: Path, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An edited, a deleted and an added file each stand in the diff, and nothing is written."""
    with (package / "client.py").open("a") as file:
        file.write("EDITED = True")
    (package / "errors.py").unlink()
    (package / "added.py").touch()
    before = read_tree(package)

    status = generate.main(["--check", "--spec", str(spec), "--output", str(package)])

    printed = capsys.readouterr()
    assert status == 1
    assert "-EDITED = True\n\\ No newline at end of file\n" in printed.out
    assert "--- /dev/null\n+++ b/errors.py\n" in printed.out
    assert "--- a/added.py\n+++ /dev/null\n" in printed.out
    assert "run: python scripts/generate.py" in printed.err
    assert before == read_tree(package)


def test_a_dropped_operation_is_a_failure(
    tmp_path: Path, spec: Path, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An operation that the generator leaves out fails the run, and the old package stays."""
    before = read_tree(package)
    spec.write_text(DROPPED_OPERATION, encoding="utf-8")

    status = generate.main(["--spec", str(spec), "--output", str(package)])

    assert status == 1
    assert "generate: " in capsys.readouterr().err
    assert before == read_tree(package)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["package", "spec.yaml"]


def test_faulty_code_never_takes_the_place_of_the_old(
    tmp_path: Path, spec: Path, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Code that would lose an argument fails the run, and the old package stays."""
    before = read_tree(package)
    spec.write_text(OVERWRITTEN_ARGUMENT, encoding="utf-8")

    status = generate.main(["--spec", str(spec), "--output", str(package)])

    assert status == 1
    assert "create_thing.py: _get_kwargs overwrites its argument" in capsys.readouterr().err
    assert before == read_tree(package)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["package", "spec.yaml"]


def test_what_the_generator_raises_is_told(tmp_path: Path) -> None:
    """A fault inside the generator, as a broken template causes, is one error with its cause."""
    (tmp_path / "package_init.py.jinja").write_text("{{ 1 / 0 }}", encoding="utf-8")

    with pytest.raises(generate.GenerationError, match="ZeroDivisionError"):
        generate.run_generator(yaml.safe_load(MINIMAL_SPEC), tmp_path / "package", tmp_path)


def test_missing_endpoint_modules_are_named(tmp_path: Path) -> None:
    """The message names the operations for which no module was written."""
    (tmp_path / "api").mkdir()
    document = {"paths": {"/things": {"post": {"operationId": "createThing"}, "summary": "-"}}}

    with pytest.raises(generate.GenerationError, match=r"\(createThing\) gave 0 endpoint"):
        generate.require_endpoints(document, tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [", "is not YAML"),
        ("[1, 2]", "is not a YAML or JSON object"),
        ("openapi: 3.1.0", "is not an OpenAPI document"),
        ("paths: {}\nopenapi: 3.1.0\ninfo: {title: A, version: '1'}", "operations (none)"),
        (MINIMAL_SPEC.replace("servers:", "x-servers:"), "names no server"),
    ],
)
def test_a_bad_contract_is_refused_in_a_sentence(
    content: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be a contract is refused with the reason, and nothing is written."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(content, encoding="utf-8")

    status = generate.main(["--spec", str(spec), "--output", str(tmp_path / "package")])

    assert status == 1
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["spec.yaml"]


def test_a_missing_contract_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A contract that cannot be read is named in the error."""
    status = generate.main(["--check", "--spec", str(tmp_path / "absent.yaml")])

    assert status == 1
    assert "absent.yaml" in capsys.readouterr().err


@pytest.mark.parametrize("marker", [None, "# Somebody's own module.\n"])
def test_a_foreign_folder_is_left_alone(
    marker: str | None, spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder without the generated header is refused, and so nothing in it is lost."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "notes.txt").write_text("keep me")
    if marker is not None:
        (folder / "__init__.py").write_text(marker)
    before = read_tree(folder)

    status = generate.main(["--spec", str(spec), "--output", str(folder)])

    assert status == 1
    assert "was not generated" in capsys.readouterr().err
    assert before == read_tree(folder)


def test_stale_modules_do_not_survive(spec: Path, package: Path) -> None:
    """A module of an earlier contract is gone after the next run."""
    shutil.copy(package / "models" / "thing.py", package / "api" / "stale.py")

    status = generate.main(["--spec", str(spec), "--output", str(package)])

    assert status == 0
    assert "api/stale.py" not in read_tree(package)


def test_a_failed_swap_puts_the_old_package_back(package: Path, tmp_path: Path) -> None:
    """When the new package cannot take its place, the old one stands there again."""
    before = read_tree(package)

    with pytest.raises(FileNotFoundError):
        generate.swap(tmp_path / "never-built", package, retired=tmp_path / "retired")

    assert before == read_tree(package)


@pytest.mark.parametrize(
    ("pin", "found"), [("ruff==0.0.1", "0.17"), ("no-such-tool-at-all==1", "not installed")]
)
def test_other_tool_versions_are_refused(pin: str, found: str) -> None:
    """A tool that is not the pinned one is named with what to run."""
    with pytest.raises(generate.GenerationError, match=f"{pin}, but it is {found}"):
        generate.require_tools([pin])
