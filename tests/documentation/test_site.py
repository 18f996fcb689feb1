"""The documentation's site as it is built: strictly, and without anything from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from documentation.blocks import DOCS, ROOT

_LINK = re.compile(r"\]\((?!https?:)([^)]+)\)")
# What a page loads by itself, but not what a reader may follow.
_LOADED = re.compile(r'<(?:script|img|iframe|link)\b[^>]*?\b(?:src|href)="([^"]+)"')


def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Build a site where no other host can be reached."""
    nowhere = "http://127.0.0.1:9"
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--config-file", config, "--site-dir", site],
        cwd=ROOT,
        env={**os.environ, "HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site."""
    folder = tmp_path_factory.mktemp("site")
    result = build(ROOT / "mkdocs.yml", folder)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "SECURITY.md"])
def test_links_of_the_repositorys_own_pages_lead_somewhere(name: str) -> None:
    """Each link in a page at the root is to a file that exists, and to a heading that it has."""
    links = [link.partition("#") for link in _LINK.findall((ROOT / name).read_text("utf-8"))]
    dead = [
        path + hash_sign + anchor
        for path, hash_sign, anchor in links
        if not (ROOT / path).exists() or (anchor and anchor not in list_anchors(ROOT / path))
    ]

    assert dead == []


def list_anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as both GitHub and the site make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_llms_txt_names_every_page(site: Path) -> None:
    """The list of pages for language models has each page of the site, and no other."""
    linked = {site / link for link in _LINK.findall((site / "llms.txt").read_text("utf-8"))}

    assert linked == {page.parent for page in site.rglob("index.html")}


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    """A page of the site loads its scripts, styles and pictures from the site itself."""
    pages = list(site.rglob("*.html"))
    loaded = {url for page in pages for url in _LOADED.findall(page.read_text(encoding="utf-8"))}

    assert len(pages) > len(list(DOCS.rglob("*.md")))
    assert {url for url in loaded if re.match(r"(?:[a-z]+:)?//", url)} == set()


def test_dead_links_and_missing_names_fail(tmp_path: Path) -> None:
    """A link to no page, one to no heading and a public name that the site lacks stop the build."""
    (tmp_path / "pages").mkdir()
    broken = "[nowhere](nowhere.md) [no such heading](#nope)"
    (tmp_path / "pages" / "index.md").write_text(broken, encoding="utf-8")
    settings = {
        "site_name": "broken",
        "docs_dir": str(tmp_path / "pages"),
        "strict": True,
        "theme": "material",
        "validation": {"links": {"anchors": "warn"}},
        "plugins": [{"mkdocstrings": {"enable_inventory": True}}],
        "hooks": [str(ROOT / "scripts" / "site" / "public_names.py")],
    }
    config = tmp_path / "mkdocs.yml"
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")

    result = build(config, tmp_path / "site")

    # One warning is enough for a strict build to fail, so each has to be among those it counts.
    warnings = [line for line in result.stderr.splitlines() if line.startswith("WARNING")]
    assert result.returncode != 0
    assert f"Aborted with {len(warnings)} warnings in strict mode!" in result.stdout
    for said in (
        "a link 'nowhere.md'",
        "a link '#nope', but there is no such anchor",
        "openrouter_rerank.OpenRouter has no docstring, or is on no page",
    ):
        assert any(said in warning for warning in warnings), said
