"""The ranker by itself: what it sends, returns and refuses."""

from dataclasses import dataclass
from typing import Any

import pytest
from haystack import Document
from haystack.dataclasses import ByteStream
from haystack.utils import Secret
from integration.frameworks.haystack.rankers import QUERY, Run, make_documents
from openrouter_rerank import local
from openrouter_rerank.errors import PaymentRequiredResponseError
from openrouter_rerank.haystack import OpenRouterRanker
from openrouter_rerank.testing import FakeOpenRouter, answer

PIXEL = ByteStream(b"\x89PNG", mime_type="image/png")


def test_documents_are_copied(run: Run) -> None:
    """The documents that were given keep the score that they had."""
    documents = make_documents()
    with FakeOpenRouter(answer(scores=[0.1, 0.9, 0.5])) as client:
        found = run(OpenRouterRanker("m", client=client), QUERY, documents)

    assert [(each.id, each.score) for each in found] == [
        ("paris", 0.9),
        ("bread", 0.5),
        ("berlin", 0.1),
    ]
    assert documents == make_documents()


def test_document_that_checks_itself_loses_no_paid_reply(run: Run) -> None:
    """A class of documents whose checks refuse a score does not cost the ranking."""

    @dataclass
    class StrictDocument(Document):
        """Refuses a score, and cannot be made by `dataclasses.replace`."""

        def __post_init__(self) -> None:
            if self.score is not None:
                raise ValueError("no score")

    documents: list[Document] = [StrictDocument(id="a", content="a")]
    with FakeOpenRouter(answer(scores=[0.5])) as client:
        found = run(OpenRouterRanker("m", client=client), QUERY, documents)

    assert [(each.id, each.score) for each in found] == [("a", 0.5)]
    assert documents[0].score is None


def test_same_document_twice_is_ranked_once(run: Run) -> None:
    """Of documents of one id, the one with the highest score is sent and paid for."""
    documents = [
        Document(id="a", content="no score"),
        Document(id="b", content="b", score=0.1),
        Document(id="a", content="best", score=0.3),
        Document(id="a", content="worse", score=0.2),
        Document(id="b", content="equal", score=0.1),
        Document(id="b", content="no score"),
    ]
    with FakeOpenRouter() as client:
        found = run(OpenRouterRanker("m", client=client, top_k=5), QUERY, documents)

    assert [(body["documents"], body["top_n"]) for body in client.bodies] == [(["best", "b"], 2)]
    assert [each.id for each in found] == ["a", "b"]


@pytest.mark.parametrize("own", [None, 3])
def test_count_is_never_more_than_there_are(run: Run, own: int | None) -> None:
    """A count for all calls, or for one, is sent as the number of documents if that is less."""
    with FakeOpenRouter() as client:
        ranker = OpenRouterRanker("m", client=client, top_k=3 if own is None else 1)
        run(ranker, QUERY, make_documents()[:2], own)

    assert [body["top_n"] for body in client.bodies] == [2]


def test_no_documents_are_no_request(run: Run, environment: pytest.MonkeyPatch) -> None:
    """For no documents none are returned, without a request or a key."""
    environment.delenv("OPENROUTER_API_KEY")
    ranker = OpenRouterRanker("m", api_key=Secret.from_env_var("OPENROUTER_API_KEY"))

    assert run(ranker, QUERY, []) == []


def test_request_is_what_was_asked_for(run: Run) -> None:
    """Model, query, provider and count are sent; what is text is sent as text."""
    with FakeOpenRouter() as client:
        ranker = OpenRouterRanker("m", client=client, top_k=2, provider={"only": ["cohere"]})
        run(ranker, QUERY, make_documents()[:2])

    assert client.bodies == [
        {
            "documents": ["Berlin is the capital of Germany.", "Paris is the capital of France."],
            "model": "m",
            "query": QUERY,
            "provider": {"only": ["cohere"]},
            "top_n": 2,
        }
    ]


@pytest.mark.parametrize(
    ("document", "sent"),
    [
        (Document(blob=PIXEL), {"image": "data:image/png;base64,iVBORw=="}),
        (
            Document(content="a dot", blob=PIXEL),
            {"text": "a dot", "image": "data:image/png;base64,iVBORw=="},
        ),
        (Document(content="text", blob=ByteStream(b"%PDF", mime_type="application/pdf")), "text"),
        (Document(content="text", meta={"title": "T", "page": 0, "x": None}), "T | 0 | text"),
        (Document(meta={"title": "T"}), "T"),
    ],
)
def test_content_is_what_the_document_holds(document: Document, sent: object) -> None:
    """Images are sent as data URIs, and meta fields that are there come before the text."""
    with FakeOpenRouter() as client:
        ranker = OpenRouterRanker(
            "m",
            client=client,
            meta_fields_to_embed=["title", "page", "x", "absent"],
            meta_data_separator=" | ",
        )
        ranker.run(QUERY, [document])

    assert client.bodies[0]["documents"] == [sent]


@pytest.mark.parametrize(
    "empty",
    [
        Document(id="empty"),
        Document(id="empty", content=" \n"),
        Document(id="empty", blob=ByteStream(b"%PDF", mime_type="application/pdf")),
        Document(id="empty", blob=ByteStream(b"?")),
    ],
)
def test_document_of_nothing_is_named(run: Run, empty: Document) -> None:
    """With "raise", a document of nothing is an error with its place, and nothing is sent."""
    with FakeOpenRouter() as client:
        ranker = OpenRouterRanker("m", client=client, unrankable="raise")
        with pytest.raises(ValueError, match="documents: blank at positions 3"):
            run(ranker, QUERY, [*make_documents(), empty])

    assert client.requests == []


def test_top_k_of_a_run_wins(run: Run) -> None:
    """A run's own count replaces the ranker's."""
    with FakeOpenRouter() as client:
        found = run(OpenRouterRanker("m", client=client, top_k=3), QUERY, make_documents(), top_k=1)

    assert len(found) == 1


def test_wrong_settings_are_refused(run: Run) -> None:
    """What cannot work is refused by its name, before anything is sent."""
    with pytest.raises(ValueError, match="top_k: must be at least 1"):
        OpenRouterRanker("m", top_k=0)
    with pytest.raises(ValueError, match="model: must not be blank"):
        OpenRouterRanker(" ")
    with FakeOpenRouter() as client:
        with pytest.raises(ValueError, match="client: brings its own"):
            OpenRouterRanker("m", client=client, deadline_ms=0)
        with pytest.raises(ValueError, match="top_k: must be at least 1"):
            run(OpenRouterRanker("m", client=client), QUERY, make_documents(), top_k=0)

    assert client.requests == []


def test_errors_come_through(run: Run) -> None:
    """What the API answers is the client's own error."""
    with FakeOpenRouter(402) as client, pytest.raises(PaymentRequiredResponseError):
        run(OpenRouterRanker("m", client=client), QUERY, make_documents())


def test_retries_are_the_clients(run: Run) -> None:
    """A reply of 429 is followed by another attempt."""
    with local.running(faults=local.Faults("429,ok", retry_after=0)) as url:
        ranker = OpenRouterRanker("m", server_url=url)
        found = run(ranker, QUERY, make_documents(), top_k=1)
        ranker.close()

    assert [each.id for each in found] == ["paris"]


@pytest.mark.parametrize("limit", ["timeout_ms", "deadline_ms"])
def test_limits_are_the_rankers(run: Run, limit: str) -> None:
    """A limit without sense is refused by the client that the ranker makes."""
    limits: dict[str, Any] = {limit: 0}
    ranker = OpenRouterRanker("m", server_url="http://localhost/api/v1", **limits)

    with pytest.raises(ValueError, match=f"{limit}: must be above 0"):
        run(ranker, QUERY, make_documents())
