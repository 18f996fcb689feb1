"""Results as lines."""

import io

import pytest
from openrouter_rerank.cli._tables import describe_document, draw_bar, draw_table
from openrouter_rerank.operations import DocumentResponse, Result
from rich.console import Console


def make_console(width: int) -> Console:
    return Console(file=io.StringIO(), width=width, color_system=None)


def make_result(score: float, index: int, text: str) -> Result:
    return Result(document=DocumentResponse(text=text), index=index, relevance_score=score)


def test_a_line_has_rank_score_bar_index_and_text() -> None:
    """Each result is one line below the head, in the order of the results."""
    results = [make_result(0.75, 12, "first"), make_result(0.5, 3, "second")]

    lines = [line.plain for line in draw_table(results, make_console(80))]

    assert lines == [
        "rank   score              index  document",
        "   1  0.7500  ███████▌       12  first",
        "   2  0.5000  █████           3  second",
    ]


def test_results_without_scores_have_a_dash() -> None:
    """Where there was no ranking, no score is shown and no bar."""
    lines = list(draw_table([make_result(0.75, 0, "a")], make_console(80), has_scores=False))

    assert lines[1].plain == "   1      -                  0  a"


@pytest.mark.parametrize("text", ["word " * 50, "語" * 60])
def test_text_is_cut_to_the_width(text: str) -> None:
    """A line is no wider than the console, wide characters counted as two."""
    lines = list(draw_table([make_result(0.5, 0, text)], make_console(60)))

    assert lines[1].plain.endswith("…")
    assert lines[1].cell_len in {59, 60}


def test_scores_outside_of_zero_to_one_keep_their_order() -> None:
    """The highest score fills the bar if it is above 1, and a negative score leaves it empty."""
    results = [make_result(8.0, 0, "a"), make_result(2.0, 1, "b"), make_result(-11.5, 2, "c")]

    lines = [line.plain for line in draw_table(results, make_console(80))][1:]

    assert [line[16:26].strip() for line in lines] == ["██████████", "██▌", ""]


@pytest.mark.parametrize(
    ("share", "ascii_only", "expected"),
    [
        (0.0, False, ""),
        (1.0, False, "██████████"),
        (0.999, False, "██████████"),
        (0.05, False, "▌"),
        (-0.5, False, ""),
        (0.5, True, "#####"),
        (7.0, True, "##########"),
    ],
)
def test_a_bar_is_as_long_as_its_share(share: float, ascii_only: bool, expected: str) -> None:
    """A bar has ten columns at most, in eighths where the encoding has them."""
    bar = draw_bar(share, ascii_only=ascii_only)

    assert expected == bar


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (DocumentResponse(text="a\n\tb  c"), "a b c"),
        (DocumentResponse(text="red \x1b[31malert\x07"), "red \ufffd[31malert\ufffd"),
        (
            DocumentResponse(text="\x7f\x9b1m\u202eabc\u2066\u200b\ufeff"),
            "\ufffd\ufffd1m\ufffdabc" + "\ufffd" * 3,
        ),
        (DocumentResponse(text="pay\u200dpal क्\u200dष"), "pay\ufffdpal क्\u200dष"),
        (DocumentResponse(text="half \ud800"), "half \ufffd"),
        (DocumentResponse(text="family 👨\u200d👩"), "family 👨\u200d👩"),
        (DocumentResponse(image="https://example.com/a.png"), "https://example.com/a.png"),
        (DocumentResponse(text="a", image="https://b.example/"), "a https://b.example/"),
        (
            DocumentResponse(image="data:image/png;base64," + "A" * 100),
            "data:image/png;base64," + "A" * 37 + "…",
        ),
        (DocumentResponse(), ""),
    ],
)
def test_a_document_is_shown_on_one_harmless_line(
    document: DocumentResponse, expected: str
) -> None:
    """Line breaks, control characters and long data URIs cannot spoil the table."""
    description = describe_document(document)

    assert expected == description


def test_a_pipe_gets_the_text_as_it_is() -> None:
    """What is written to no terminal can drive and deceive none."""
    text = "\x1b[31m\x9b\u202e\u200b\x7f"

    assert describe_document(DocumentResponse(text=text), is_raw=True) == text


def test_no_results_leave_the_head() -> None:
    """A response without results is a table without lines."""
    lines = list(draw_table([], make_console(80)))

    assert len(lines) == 1
