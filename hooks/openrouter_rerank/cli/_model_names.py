"""The names of models on the command line, and what a shell offers when one is typed."""

import typer

from openrouter_rerank._call.defaults import DEFAULT_MODEL, LOCAL_NAME, LOCAL_PREFIX


def complete_model(incomplete: str) -> list[str]:
    """Offer the default model of the API; there is no list of the others on this machine."""
    return _select([DEFAULT_MODEL], incomplete)


def complete_embedded_model(incomplete: str) -> list[str]:
    """Offer the models on this machine by their names."""
    return _select(_list_embedded(), incomplete)


def complete_fallback_model(incomplete: str) -> list[str]:
    """Offer the models on this machine as a fallback names them, and the API's default."""
    return _select([LOCAL_NAME, *_list_prefixed(), DEFAULT_MODEL], incomplete)


def complete_compared_model(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer what an evaluation takes: with `--local` the models on this machine alone."""
    if ctx.params.get("local"):
        return complete_embedded_model(incomplete)
    return _select([DEFAULT_MODEL, *_list_prefixed()], incomplete)


def _list_embedded() -> list[str]:
    # The registry needs none of the packages of the extra.
    from openrouter_rerank.local._models.registry import MODELS

    return list(MODELS)


def _list_prefixed() -> list[str]:
    return [f"{LOCAL_PREFIX}{name}" for name in _list_embedded()]


def _select(names: list[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
