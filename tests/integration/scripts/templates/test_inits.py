"""The packages' own modules: they import what is asked for, when it is asked for."""

import json
import subprocess
import sys
from importlib import import_module
from typing import Any

import openrouter_rerank_api
import openrouter_rerank_api.models as models
import pytest
from openrouter_rerank_api.client import AuthenticatedClient, Client


def list_imported(code: str) -> set[str]:
    """Run code in a fresh interpreter and return the names of what it imported."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    return set(json.loads(result.stdout))


@pytest.mark.parametrize(
    "code", ["import openrouter_rerank_api", "import openrouter_rerank_api.models"]
)
def test_an_import_alone_brings_nothing(code: str) -> None:
    """Neither package imports httpx, attrs, the clients or a model by itself."""
    imported = list_imported(code)

    ours = {name for name in imported if name.startswith("openrouter_rerank_api")}
    assert ours <= {"openrouter_rerank_api", "openrouter_rerank_api.models"}
    assert not imported & {"httpx", "attr", "attrs"}


def test_a_model_brings_no_other_and_no_httpx() -> None:
    """The module of a model is imported with that of UNSET at most."""
    imported = list_imported("from openrouter_rerank_api.models import CreateRerankResponseBody")

    ours = {name for name in imported if name.startswith("openrouter_rerank_api.")}
    assert ours == {
        "openrouter_rerank_api.models",
        "openrouter_rerank_api.models.create_rerank_response_body",
        "openrouter_rerank_api.unset",
    }
    assert "httpx" not in imported


def test_a_star_gives_all() -> None:
    """A star import binds every model, and both clients."""
    found: dict[str, Any] = {}
    exec(  # noqa: S102 # a star is allowed at the top of a module only
        "from openrouter_rerank_api import *\nfrom openrouter_rerank_api.models import *", found
    )

    del found["__builtins__"]
    assert set(found) == {*models.__all__, "AuthenticatedClient", "Client"}
    assert all(isinstance(one, type) for one in found.values())


def test_each_name_is_the_class_of_its_module() -> None:
    """What is imported late is what the modules define, the same at each asking."""
    assert models.__all__ == tuple(sorted(models.__all__))
    for name in models.__all__:
        cls = getattr(models, name)

        assert cls.__name__ == name
        assert cls is getattr(import_module(cls.__module__), name)
        assert cls is getattr(models, name)
    assert openrouter_rerank_api.Client is Client
    assert openrouter_rerank_api.AuthenticatedClient is AuthenticatedClient


@pytest.mark.parametrize("package", [openrouter_rerank_api, models])
def test_dir_gives_all(package: Any) -> None:
    """Completion shows what has not been imported yet, beside a module's own names."""
    shown = dir(package)

    assert {*package.__all__, "__all__", "__name__"} <= set(shown)
    assert shown == sorted(shown)


@pytest.mark.parametrize("package", [openrouter_rerank_api, models])
def test_a_wrong_name_is_refused(package: Any) -> None:
    """What is not there is named in the error, for attributes as for imports."""
    name = package.__name__

    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'Nothing'"):
        package.Nothing  # noqa: B018 # the access is what is tried
    with pytest.raises(ImportError, match="cannot import name 'Nothing'"):
        exec(f"from {name} import Nothing")  # noqa: S102 # a name that no checker finds
