"""An evaluation as one HTML file that needs no network: text, tables and charts."""

from pathlib import Path

from openrouter_rerank.evaluation._results import Evaluation

from .extra import import_package
from .page import render_page


def check_report(path: Path) -> None:
    """
    See whether a report could be written, before an evaluation is paid for.

    Raises:
        ModuleNotFoundError: A package of the extra `report` is not installed.
        OSError: The file cannot be written.
    """
    for name in ("jinja2", "matplotlib.figure", "matplotlib.style"):
        import_package(name)
    is_new = not path.exists()
    path.open("ab").close()
    if is_new:
        path.unlink()


def write_report(evaluation: Evaluation, path: str | Path) -> None:
    """
    Write an evaluation as a web page for people.

    The page is one file of some 100 kB, without a script, a font or an image from elsewhere, and
    forbids its reader to load any. Each of its numbers stands in a `data` element whose `data-json`
    says where it stands in `Evaluation.to_dict`, as RFC 6901 has it.

    Args:
        evaluation: The evaluation.
        path: Where to write it; a file that is there is replaced.

    Raises:
        ModuleNotFoundError: A package of the extra `report` is not installed.
        OSError: The file cannot be written.
    """
    page = render_page(evaluation)
    # A lone surrogate, which JSON can hold, is no text; everything else is written as it is.
    Path(path).write_text(page, encoding="utf-8", errors="replace", newline="\n")


__all__ = ["check_report", "write_report"]
