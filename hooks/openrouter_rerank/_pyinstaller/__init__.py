"""
What PyInstaller has to be told of this package, since it reads imports alone.

It asks `get_hook_dirs` by the entry point `pyinstaller40`, and runs each file of that folder whose
name is `hook-` and that of a module which the program imports
(https://pyinstaller.org/en/stable/hooks.html).
"""

from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from openrouter_rerank.local._errors import MissingExtraError
from openrouter_rerank.local._models.model_file import PackagedFile
from openrouter_rerank.local._models.registry import MODELS

# Those of the extras `eval` and `report` that are imported by a name in a string.
EVALUATION_MODULES = (
    "bm25s",
    "Stemmer",
    "jinja2",
    "markupsafe",
    "matplotlib.backends.backend_svg",
    "matplotlib.figure",
    "matplotlib.style",
)


def get_hook_dirs() -> list[str]:
    """Return the folder of the hooks."""
    return [str(Path(__file__).parent)]


def find_model_files() -> dict[PackagedFile, str]:
    """Find the embedded models' files that are installed, each with its path."""
    found: dict[PackagedFile, str] = {}
    for spec in MODELS.values():
        for file in (spec.model, spec.tokenizer):
            if isinstance(file, PackagedFile):
                # The extra `models` may not be installed.
                with suppress(MissingExtraError):
                    found[file] = str(file.find())
    return found


def list_evaluation_modules() -> list[str]:
    """List the modules that an evaluation imports, as far as they are installed."""
    return [name for name in EVALUATION_MODULES if find_spec(name.partition(".")[0])]
