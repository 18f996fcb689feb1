"""The page among hostile texts, foreign pages and keys."""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from browsers import needs_chromium
from integration.local.rankers import ConstantRanker, WaitingRanker
from integration.local.upstreams import COST, KEY, FakeUpstream, make_reply
from openrouter_rerank.local import running

from .person import DOCUMENTS, QUERY, Person

pytestmark = needs_chromium
Visit = Callable[..., Person]

# Each would call a function that makes a noise, in some place where a careless page puts texts.
ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    '"><script>alert(1)</script>',
    "'-alert(1)-'",
    "</textarea><script>alert(1)</script>",
    "</option></select><img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "<a href=javascript:alert(1) autofocus onfocus=alert(1)>x</a>",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "<style>@import url(//evil.example/x.css)</style>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example/'>",
    "<base href=//evil.example/>",
    "<form action=//evil.example/><input type=submit></form>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "${alert(1)} {{constructor.constructor('alert(1)')()}} #{alert(1)}",
    "<!--<img src=--><img src=x onerror=alert(1)//>",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e &lt;script&gt;alert(1)&lt;/script&gt;",
    "__proto__",
]
FOREIGN_PAGE = """<!DOCTYPE html><title>waiting</title><script src="{home}page/server.js"></script>
<a href="{home}">to the page</a><iframe src="{home}"></iframe><img src="{home}page/models"><script>
const body = JSON.stringify({{model: "m", query: "q", documents: ["d"]}});
const json = {{"Content-Type": "application/json"}};
const tries = {{
    page: () => fetch("{home}"),
    models: () => fetch("{home}page/models"),
    opaque: () => fetch("{home}page/models", {{mode: "no-cors"}}).then((r) => r.text()),
    rank: () => fetch("{home}api/v1/rerank", {{method: "POST", headers: json, body}}),
    simple: () => fetch("{home}api/v1/rerank", {{method: "POST", mode: "no-cors", body}}),
    frame: () => frames[0].document.title,
}};
(async () => {{
    const got = {{}};
    for (const [name, attempt] of Object.entries(tries)) {{
        try {{
            const reply = await attempt();
            got[name] = reply instanceof Response && reply.type !== "opaque" ? reply.status : "";
        }} catch (error) {{
            got[name] = "refused";
        }}
    }}
    document.title = JSON.stringify(got);
}})();
</script>"""


@contextmanager
def serve_page(html: str) -> Generator[str]:
    """Serve a page from another port, which is another origin."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Send the page."""
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def find_foreign_elements(person: Person) -> list[str]:
    """Name the elements that the page never makes."""
    selector = "iframe, img, svg, object, embed, base, math, form:not([id]), script:not([src])"
    found: list[str] = person.measure(
        f"Array.from(document.querySelectorAll({json.dumps(selector)}), (each) => each.outerHTML)"
    )
    return found


def test_hostile_texts_stay_texts(visit: Visit, tmp_path: Path) -> None:
    """Scripts in documents, query, names, errors and replies are shown, and none runs."""
    text = " ".join(ATTACKS)
    refusal = httpx.Response(418, json={"error": {"code": 418, "message": text}})
    odd = make_reply({"documents": ATTACKS, "model": text}, model=text, provider=text)
    upstream = FakeUpstream(refusal, httpx.Response(200, json=odd))
    records = tmp_path / f"{ATTACKS[1].replace('/', '')}.jsonl"
    records.write_text("".join(json.dumps({attack: attack}) + "\n" for attack in ATTACKS))
    with running(ConstantRanker(), upstream=upstream.client) as url:
        person = visit(url)
        person.write(query=text, documents=json.dumps(ATTACKS))
        person.choose(f"<b>{text}", text)
        person.rank()
        assert text in person.read_errors()
        assert person.read_order(text) == ATTACKS
        assert person.read_order("Before") == ATTACKS
        person.rank()
        person.open_file(records)
        person.page.locator("#documents-found").get_by_text(f"from {records.name}").wait_for()
        assert person.page.get_by_role("checkbox", name=ATTACKS[0], exact=True).is_checked()
        person.rank()

        assert find_foreign_elements(person) == []
        assert [each for each in person.said if "status of 418" not in each] == []
        assert person.is_alone()


def test_a_page_of_another_origin_gets_nothing(visit: Visit) -> None:
    """No script, frame, picture or request of another site's page does; a link to it works."""
    ranker = WaitingRanker()
    with running(ranker) as url:
        person = visit(url)
        person.page.locator("#form").wait_for()
        replies: list[tuple[str, int]] = []
        with serve_page(FOREIGN_PAGE.format(home=person.home)) as elsewhere:
            person.page.on("response", lambda reply: replies.append((reply.url, reply.status)))
            person.page.goto(elsewhere)
            person.page.wait_for_function("document.title[0] === '{'")
            got = json.loads(person.page.title())
            framed = person.page.frames[1].content()
            answered = [each for each in replies if each[0].startswith(person.home)]
            person.page.get_by_text("to the page").click()
            person.page.locator("#form").wait_for()

    assert got == {
        "page": "refused",
        "models": "refused",
        "opaque": "",
        "rank": "refused",
        "simple": "",
        "frame": "refused",
    }
    assert "Try a ranking" not in framed
    assert {status for _, status in answered} == {403}, answered
    assert not ranker.started.acquire(blocking=False)


def test_the_key_stays_in_the_page(visit: Visit) -> None:
    """It is asked for, sent in a header alone, kept nowhere, and gone after a reload."""
    key = "sk-or-page-secret"
    with running(ConstantRanker(), api_key=key) as url:
        person = visit(url)
        field = person.page.get_by_label("Key of this server")
        field.fill("wrong")
        person.page.get_by_role("button", name="Use this key").click()
        person.page.get_by_text("That is not the key of this server.").wait_for()
        field.fill(key)
        field.press("Enter")
        person.write()
        person.rank()
        assert person.read_order("local") == DOCUMENTS
        kept = person.measure(
            "JSON.stringify([localStorage, sessionStorage, document.cookie, location.href, "
            "document.documentElement.outerHTML, "
            "Array.from(document.querySelectorAll('input, textarea'), (each) => each.value)])"
        )
        person.page.reload()

        assert key not in kept
        assert "$OPENROUTER_API_KEY" in kept
        assert not any(key in address for address in person.asked)
        field.wait_for()
        assert not person.page.locator("#form").is_visible()


def test_openrouter_is_asked_with_a_key_that_stays_away(visit: Visit) -> None:
    """The page says what calls cost and what is spent; the server's key never reaches it."""
    echo = httpx.Response(401, json={"error": {"code": 401, "message": f"Bearer {KEY} is unknown"}})
    upstream = FakeUpstream(echo)
    received: list[str] = []
    with running(upstream=upstream.client, max_cost=COST) as url:
        person = visit(url)
        person.page.on("response", lambda reply: received.append(str(reply.all_headers())))
        person.page.on("response", lambda reply: received.append(reply.text()))
        person.write()
        person.choose("cohere/rerank-5-fast")
        person.rank()
        assert "Error 401 of cohere/rerank-5-fast" in person.read_errors()
        assert not person.page.locator("#key-form").is_visible()
        person.rank()
        assert person.read_order("cohere/rerank-5-fast") == DOCUMENTS
        assert f", {COST} credits" in person.page.locator("#orders").inner_text()
        assert f"{COST} of {COST} credits so far" in person.page.locator("#place").inner_text()
        person.rank()
        assert "Error 402" in person.read_errors()

        assert upstream.asked[-1] == {
            "model": "cohere/rerank-5-fast",
            "query": QUERY,
            "documents": DOCUMENTS,
        }
        assert len(upstream.asked) == 2
        assert "[redacted]" in " ".join(received)
        assert KEY not in " ".join(received)
        assert person.is_alone()


@pytest.mark.parametrize("target", ["models", "documents"])
def test_what_the_page_asks_needs_the_key(target: str) -> None:
    """The page is open to all, what it asks for is not."""
    with running(ConstantRanker(), api_key="k") as url:
        page = httpx.get(httpx.URL(url).join("/"))
        refused = httpx.request(
            "GET" if target == "models" else "POST", httpx.URL(url).join(f"/page/{target}"), json={}
        )

    assert page.status_code == 200
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
