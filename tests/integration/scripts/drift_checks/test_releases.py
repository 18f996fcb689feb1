"""The public API against the last release: what breaks needs a version that says so."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from contract.model import ContractError
from copied_tree import CopiedTree
from drift_checks.problems import NotComparableError
from drift_checks.releases import check_release, find_tag, read_version

HOOKS = "hooks/openrouter_rerank"
VERSION = f"{HOOKS}/_version.py"
# Modules that no test here is about.
UNUSED = (
    "_cache", "_demo", "_document_files", "_integrations", "_network", "_pyinstaller", "cli",
    "evaluation", "haystack.py", "langchain.py", "llama_index.py", "local", "mcp",
    "opentelemetry.py", "ray.py", "testing.py",
)  # fmt: skip


def run_git(root: Path, *arguments: str) -> None:
    """Run git as somebody, untouched by the settings of this machine."""
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    command = ["git", *identity, *arguments]
    subprocess.run(command, cwd=root, env=environment, check=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository whose release 1.2.3 is tagged, for tests to copy."""
    pytest.importorskip("griffe")
    if shutil.which("git") is None:
        pytest.skip("needs git")
    tree = CopiedTree(tmp_path_factory.mktemp("released") / "tree")
    # Both versions of every module are read, and reading takes most of the time.
    for name in UNUSED:
        path = tree.root / HOOKS / name
        path.unlink() if path.is_file() else shutil.rmtree(path)
    (tree.root / VERSION).write_text('"""V."""\n\n__version__ = "1.2.3"\n', encoding="utf-8")
    run_git(tree.root, "init", "--quiet")
    run_git(tree.root, "add", ".")
    run_git(tree.root, "commit", "--quiet", "--message", "Release")
    run_git(tree.root, "tag", "v1.2.3")
    run_git(tree.root, "tag", "note")
    return tree.root


@pytest.fixture
def released(repository: Path, tmp_path: Path) -> CopiedTree:
    """Return the copy as a repository of its own whose release 1.2.3 is tagged."""
    tree = CopiedTree(tmp_path / "tree", repository)
    shutil.copytree(repository / ".git", tree.root / ".git")
    return tree


def break_api(tree: CopiedTree) -> None:
    """Take keywords, a method, an export and a generated field away."""
    tree.edit(f"{HOOKS}/_rerank.py", "        ordered: bool = True,\n", "")
    fields = "generated/openrouter_rerank_api/request_fields.py"
    tree.edit(fields, "    user: str | None\n", "")
    tree.edit(f"{HOOKS}/_client.py", "def close(", "def shut(")
    tree.edit(f"{HOOKS}/operations.py", '    "DocumentRequest",\n', "")
    usage = "generated/openrouter_rerank_api/models/create_rerank_usage.py"
    tree.edit(usage, "    cost: float | Unset = UNSET\n", "")


def test_each_broken_promise_is_one_line(released: CopiedTree) -> None:
    """A minor version may lose no keyword, method, export or field; the one needed is told."""
    break_api(released)
    released.edit(VERSION, "1.2.3", "1.3.0")

    problems = check_release(released.root)

    told = {problem.what.removeprefix("breaks v1.2.3: ") for problem in problems}
    assert {
        "Rerank.rerank_many(ordered): Parameter was removed",
        "RequestFields.user: Public object was removed",
        "OpenRouter.close: Public object was removed",
        "openrouter_rerank.operations.DocumentRequest: no longer in __all__",
        "CreateRerankUsage.cost: Public object was removed",
    } <= told
    assert len(told) == len(problems)
    assert all(problem.fix.endswith(f"{VERSION} to 2.0.0") for problem in problems)
    assert all(problem.where.startswith(("hooks/", "generated/")) for problem in problems)


def test_what_users_reach_without_importing_it_may_not_go(released: CopiedTree) -> None:
    """The class behind an attribute of the client is public, though its module is not."""
    released.edit(f"{HOOKS}/_raw_response.py", "class RawRerank:", "class Raw:")

    (problem,) = check_release(released.root)

    assert (
        problem.what == "breaks v1.2.3: openrouter_rerank._raw_response.RawRerank: no longer there"
    )


def test_what_the_release_did_not_have_breaks_nothing(released: CopiedTree) -> None:
    """A release before a class existed promised nothing about it."""
    released.edit(f"{HOOKS}/_raw_response.py", "class RawRerank:", "class Raw:")
    run_git(released.root, "commit", "--quiet", "--all", "--message", "Later")
    run_git(released.root, "tag", "v1.2.4")
    released.edit(f"{HOOKS}/_raw_response.py", "class Raw:", "class RawRerank:")

    assert check_release(released.root) == []


def test_a_module_that_is_gone_is_one_line(released: CopiedTree) -> None:
    """A public module that went is reported once, not name by name."""
    (released.root / HOOKS / "utils.py").unlink()

    problems = check_release(released.root)

    assert [problem.what for problem in problems] == [
        "breaks v1.2.3: openrouter_rerank.utils: Public object was removed"
    ]


def test_what_is_private_may_change(released: CopiedTree) -> None:
    """Private functions are nobody's but the project's; the repository is read and left alone."""
    released.edit(f"{HOOKS}/_call/config.py", "def read_deadline(", "def read_limit(")
    folder = released.root / ".git"
    before = sorted(path.relative_to(folder) for path in folder.rglob("*"))

    problems = check_release(released.root)

    assert problems == []
    assert sorted(path.relative_to(folder) for path in folder.rglob("*")) == before


def test_a_breaking_version_may_break(released: CopiedTree) -> None:
    """The next major version may break what a minor one may not."""
    break_api(released)
    released.edit(VERSION, "1.2.3", "2.0.0")

    assert check_release(released.root) == []


def test_without_a_version_tag_there_is_nothing_to_compare(released: CopiedTree) -> None:
    """Tags that are no version do not count."""
    run_git(released.root, "tag", "--delete", "v1.2.3")

    with pytest.raises(NotComparableError, match="no version tag yet"):
        find_tag(released.root)


def test_a_tree_inside_another_repository_has_no_release(released: CopiedTree) -> None:
    """The tags of a repository that the tree only lies in are not the project's."""
    with pytest.raises(NotComparableError, match="not a git repository of its own"):
        find_tag(released.root / "hooks")


def test_without_a_repository_there_is_nothing_to_compare(tree: CopiedTree) -> None:
    """A tree from a source distribution is not compared, and the reason is given."""
    if shutil.which("git") is None:
        pytest.skip("needs git")

    with pytest.raises(NotComparableError, match="not a git repository"):
        find_tag(tree.root)


def test_without_git_there_is_nothing_to_compare(
    tree: CopiedTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing git is the reason given."""
    monkeypatch.setenv("PATH", "")

    with pytest.raises(NotComparableError, match="git is not installed"):
        find_tag(tree.root)


def test_a_version_of_another_form_is_an_error(tree: CopiedTree) -> None:
    """A version that cannot be compared is named by its file."""
    (tree.root / VERSION).write_text('__version__ = "next"', encoding="utf-8")

    with pytest.raises(ContractError, match="not a version of three numbers"):
        read_version(tree.root)
