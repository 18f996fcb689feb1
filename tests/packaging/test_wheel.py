"""What the wheel holds and what it says about itself."""

from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

import pytest
from openrouter_rerank import __version__
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
SOURCES = (ROOT / "generated" / "openrouter_rerank_api", ROOT / "hooks" / "openrouter_rerank")
METADATA_FOLDER = f"openrouter_rerank-{__version__}.dist-info"


@pytest.fixture
def description(wheel: Path) -> Message:
    """Read the wheel's metadata."""
    with ZipFile(wheel) as archive:
        text = archive.read(f"{METADATA_FOLDER}/METADATA").decode()
    return HeaderParser().parsestr(text)


@pytest.mark.parametrize(
    "name",
    [
        "openrouter_rerank/__init__.py",
        "openrouter_rerank/_demo/general-knowledge/corpus.jsonl",
        "openrouter_rerank/_demo/general-knowledge/qrels/test.tsv",
        "openrouter_rerank/_demo/general-knowledge/queries.jsonl",
        "openrouter_rerank/local/data/bert-uncased-vocab.txt",
        "openrouter_rerank/local/data/page/index.html",
        "openrouter_rerank/local/data/page/page.js",
        "openrouter_rerank/local/data/page/style.css",
        "openrouter_rerank/py.typed",
        "openrouter_rerank_api/__init__.py",
        "openrouter_rerank_api/openapi.json",
        "openrouter_rerank_api/py.typed",
        f"{METADATA_FOLDER}/licenses/LICENSE",
        f"{METADATA_FOLDER}/licenses/LICENSES/Apache-2.0.txt",
        f"{METADATA_FOLDER}/licenses/NOTICE",
    ],
)
def test_holds_file(wheel: Path, name: str) -> None:
    """The wheel holds the file, and the file is not empty unless it is a marker."""
    with ZipFile(wheel) as archive:
        size = archive.getinfo(name).file_size

    assert size > 0 or name.endswith("py.typed")


def test_holds_both_source_trees_as_they_are(wheel: Path) -> None:
    """Every file of the two packages is in the wheel byte for byte, and no other module is."""
    expected = {
        path.relative_to(source.parent).as_posix(): path.read_bytes()
        for source in SOURCES
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    with ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.startswith(METADATA_FOLDER)]
        packed = {name: archive.read(name) for name in names}

    assert packed == expected


def test_says_what_it_is(description: Message) -> None:
    """The metadata names both licences, the oldest Python and the version of the sources."""
    fields = ("Name", "Version", "License-Expression", "Requires-Python")

    values = [description[field] for field in fields]

    assert values == ["openrouter-rerank", __version__, "MIT AND Apache-2.0", ">=3.11"]


def test_requires_little_without_extras(description: Message) -> None:
    """Without extras the wheel requires httpx, what httpx brings, attrs and python-dateutil."""
    requirements = map(Requirement, description.get_all("Requires-Dist", []))

    names = {each.name for each in requirements if "extra" not in str(each.marker)}

    assert names == {"anyio", "attrs", "h11", "httpcore", "httpx", "python-dateutil"}
