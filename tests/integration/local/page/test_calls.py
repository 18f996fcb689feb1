"""The calls to copy, run as they stand."""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from browsers import needs_chromium
from openrouter_rerank.local import running

from .person import QUERY, Person

BASH = shutil.which("bash")
HAS_TOOLS = BASH is not None and shutil.which("curl") is not None
pytestmark = [needs_chromium, pytest.mark.skipif(not HAS_TOOLS, reason="needs bash and curl")]
Visit = Callable[..., Person]
TITLES = ("Python", "curl", "Command line")
KEY = "sk-or-page-key"

# What a shell, a terminal or Python would take for something else than text.
AWKWARD = [
    'It\'s $(touch owned) `touch owned` "quoted" \\n \\ !! $HOME % ; & | > owned',
    "-- --model x",
    "@owned",
    "\u001b[201~\u0007 escape, bell, \t tab and \u007f delete",
    "two\nlines\r\nand a third",
    "\u202eturned\u202c, \u200bhidden, \u00a0kept, \ufeffmarked",
    "Grüße aus Köln, 東京, \U0001f95a",
    "{\"text\": 'x'} [1] #{x} {x} %s",
]


def copy_calls(person: Person) -> dict[str, str]:
    """Copy each call as the button does, and look that the button says so."""
    copied: dict[str, str] = {}
    for title in TITLES:
        person.page.get_by_role("button", name=f"Copy {title}").click()
        person.page.locator(".call", has_text=title).get_by_text("Copied.").last.wait_for()
        copied[title] = person.page.evaluate("navigator.clipboard.readText()")
    return copied


def run_call(title: str, text: str, folder: Path) -> list[str]:
    """Run a call in a folder, and return the documents in the order that it gives."""
    binaries = str(Path(sys.executable).parent)
    environment = {
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "OPENROUTER_API_KEY": KEY,
    }
    # As it stands, each prints for people; documents with line breaks are told apart in JSON.
    text = text.replace(" -- ", " --json -- ")
    text = text.replace('print(f"{ranked.score:.4f} {ranked.item}")', "print(repr(ranked.item))")
    command = [sys.executable, "-c", text] if title == "Python" else [str(BASH), "-c", text]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, timeout=60, check=True
    )
    if title == "Python":
        return [ast.literal_eval(line) for line in done.stdout.decode().splitlines()]
    return [each["document"]["text"] for each in json.loads(done.stdout)["results"]]


def test_each_call_does_what_the_page_did(visit: Visit, base_url: str, tmp_path: Path) -> None:
    """What is copied orders awkward documents as the page did, and nothing in them is run."""
    person = visit(base_url)
    person.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    person.write(query=f"-{QUERY} It's \u001b$(touch owned)", documents=json.dumps(AWKWARD))
    person.rank()

    for title, text in copy_calls(person).items():
        assert run_call(title, text, tmp_path) == person.read_order("local/minilm"), title
        assert text.replace("\n", "").isprintable()
    assert list(tmp_path.iterdir()) == []


def test_large_calls_read_files_that_the_page_saves(visit: Visit, tmp_path: Path) -> None:
    """Many documents, one of them split, come from files, and a key from the environment."""
    documents = [f"Document {number} is about hens." for number in range(250)]
    documents[7] = "The weather is fine. " * 60 + "A soft egg takes six minutes."
    with running(api_key=KEY) as url:
        person = visit(url)
        person.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        person.page.get_by_label("Key of this server").fill(KEY)
        person.page.keyboard.press("Enter")
        person.write(documents=documents)
        person.rank()
        for name in ("documents.json", "request.json"):
            with person.page.expect_download() as download:
                person.page.get_by_role("button", name=f"Save {name}").click()
            download.value.save_as(tmp_path / name)
        shown = person.read_order("local/minilm")
        assert shown[0] in documents[7]

        for title, text in copy_calls(person).items():
            order = run_call(title, text, tmp_path)
            assert KEY not in text
            # curl sends passages and gets them; the others have the whole document back.
            assert order[0] == (shown[0] if title == "curl" else documents[7])
            assert order[1:50] == shown[1:50]


def test_without_a_clipboard_the_call_is_selected(visit: Visit, base_url: str) -> None:
    """Over plain HTTP from elsewhere browsers give none, so a person copies by the keyboard."""
    person = visit(base_url)
    person.measure("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    person.write()
    person.rank()

    person.page.get_by_role("button", name="Copy curl").click()
    person.page.get_by_text("Selected. Press Ctrl+C").wait_for()
    assert person.measure("String(getSelection())").startswith("curl 'http://127.0.0.1:")
