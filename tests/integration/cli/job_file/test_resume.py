"""What a killed run leaves behind."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrouter_rerank.cli._errors import CommandError
from openrouter_rerank.cli._job_file.input.entry import Entry
from openrouter_rerank.cli._job_file.output.line_file import compress
from openrouter_rerank.cli._job_file.output.records import encode_failure, encode_result
from openrouter_rerank.cli._job_file.resume import read_finished_jobs
from openrouter_rerank.errors import OpenRouterError
from openrouter_rerank.operations import CreateRerankResponseBody

Pack = Callable[[bytes], bytes]


def make_line(position: int, text: str = "Paris", cost: float | None = 0.25) -> bytes:
    result = {"index": 0, "relevance_score": 0.5, "document": {"text": text}}
    reply = {"id": "gen", "model": "m", "results": [result], "usage": {"cost": cost}}
    entry = Entry(position, position + 1, digest=f"{position + 1:016x}")
    return encode_result(
        entry,
        CreateRerankResponseBody.from_dict(reply if cost is not None else {**reply, "usage": {}}),
    )


LINES = [make_line(2), make_line(0, "é\u2028\n"), make_line(1, cost=None)]


@pytest.mark.parametrize(("name", "pack"), [("out.jsonl", bytes), ("out.jsonl.gz", compress)])
def test_whole_lines_are_found(name: str, pack: Pack, tmp_path: Path) -> None:
    """Positions, digests and costs are those that were written."""
    file = tmp_path / name
    file.write_bytes(b"".join(map(pack, LINES)))

    found = read_finished_jobs(file, compressed=pack is compress)

    assert found.digests == {2: 3, 0: 1, 1: 2}
    assert (found.cost, found.size) == (0.5, file.stat().st_size)


@pytest.mark.parametrize("pack", [bytes, compress])
def test_a_torn_line_of_every_length_is_left_out(pack: Pack, tmp_path: Path) -> None:
    """Wherever the last write was cut off, the lines before are left, and the last if whole."""
    file = tmp_path / "out"
    whole = b"".join(map(pack, LINES[:2]))
    torn = pack(LINES[2])
    found: list[tuple[int, list[int]]] = []

    for length in range(len(torn)):
        file.write_bytes(whole + torn[:length])
        recovered = read_finished_jobs(file, compressed=pack is compress)
        found.append((recovered.size, list(recovered.digests)))

    kept = next((at for at, (_, positions) in enumerate(found) if len(positions) > 2), len(torn))
    assert kept > 9 * len(torn) // 10
    assert found == [
        (len(whole), [2, 0, 1] if length >= kept else [2, 0]) for length in range(len(torn))
    ]


@given(
    jobs=st.lists(st.tuples(st.text(st.characters(), max_size=9), st.floats(0, 1)), max_size=4),
    data=st.data(),
)
def test_a_file_cut_anywhere_loses_its_last_line_alone(
    jobs: list[tuple[str, float]], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """For any documents, the lines that end before the cut are left, and the next if whole."""
    lines = [make_line(at, text, cost) for at, (text, cost) in enumerate(jobs)]
    packs: list[Pack] = [bytes, compress]
    pack = data.draw(st.sampled_from(packs))
    packed = [pack(line) for line in lines]
    cut = data.draw(st.integers(0, sum(map(len, packed))))
    file = tmp_path_factory.getbasetemp() / "cut"
    file.write_bytes(b"".join(packed)[:cut])

    found = read_finished_jobs(file, compressed=pack is compress)

    ends = [sum(map(len, packed[: at + 1])) for at in range(len(packed))]
    whole = [at for at, end in enumerate(ends) if end <= cut]
    assert list(found.digests) in (whole, [*whole, len(whole)])
    assert found.size == max([0, *(end for end in ends if end <= cut)])


def test_a_file_that_was_compressed_again_is_read(tmp_path: Path) -> None:
    """A member may hold several lines."""
    file = tmp_path / "out.gz"
    file.write_bytes(gzip.compress(b"".join(LINES)))

    found = read_finished_jobs(file, compressed=True)

    assert (list(found.digests), found.size) == ([2, 0, 1], file.stat().st_size)


ZEROS = bytes(5_000)
HALF = len(compress(LINES[1])) // 2
HALF_CHARACTER = LINES[1].index(b"\xc3") + 1
TORN = gzip.compress(b"".join(make_line(at, f"document {at * 7919 % 9973}") for at in range(300)))[
    :-2_000
]


@pytest.mark.parametrize(
    ("data", "compressed", "positions", "is_scattered"),
    [
        (b"", False, [], False),
        (b"", True, [], False),
        (ZEROS, False, [], False),
        (ZEROS, True, [], False),
        (LINES[0] + ZEROS, False, [2], False),
        (compress(LINES[0]) + ZEROS, True, [2], False),
        (compress(LINES[0]) + ZEROS + compress(LINES[1]), True, [2, 0], False),
        (LINES[0] + LINES[1][:40] + ZEROS, False, [2], False),
        (LINES[0] + LINES[1][:40] + ZEROS + LINES[1][40:] + LINES[2], False, [2, 1], True),
        (LINES[0] + LINES[1][:HALF_CHARACTER], False, [2], False),
        (LINES[0] + LINES[1][:-1], False, [2, 0], True),
        (compress(LINES[0]) + compress(LINES[1])[:HALF] + ZEROS, True, [2], False),
        (compress(LINES[0]) + compress(LINES[1])[:5] + ZEROS, True, [2], False),
        (compress(LINES[0]) + compress(LINES[1])[:-8] + ZEROS, True, [2, 0], True),
    ],
)
def test_a_loss_of_power_spares_whole_lines(
    data: bytes, compressed: bool, positions: list[int], is_scattered: bool, tmp_path: Path
) -> None:
    """Zeros, half a line, half a member and half a character are left out."""
    file = tmp_path / "out"
    file.write_bytes(data)

    found = read_finished_jobs(file, compressed=compressed)

    assert (list(found.digests), found.is_scattered) == (positions, is_scattered)
    assert file.read_bytes() == data


def test_a_torn_file_that_was_compressed_again_keeps_its_whole_lines(tmp_path: Path) -> None:
    """One member for all lines is read as far as it goes."""
    file = tmp_path / "out.gz"
    file.write_bytes(TORN)

    found = read_finished_jobs(file, compressed=True)

    assert list(found.digests) == list(range(len(found.digests)))
    assert len(found.digests) > 90
    assert (found.size, found.is_scattered) == (0, True)


FAILURE = encode_failure(Entry(0, 1), OpenRouterError("no"), 1)


@pytest.mark.parametrize(
    ("data", "compressed", "reason"),
    [
        (b"a text\n", False, "line 1: not a line of this command"),
        (b"a text without an end", False, "not written by this command"),
        (b"[]\n", False, "line 1"),
        (b"{}\n", False, "line 1"),
        (b'{"position": -1}\n', False, "line 1"),
        (b'{"position": 0, "digest": "x"}\n', False, "line 1"),
        (b'{"position": 0, "digest": "1", "result": 1}\n', False, "line 1"),
        (b'{"position": 0, "digest": "1", "result": {"usage": {"cost": "1"}}}\n', False, "line 1"),
        (LINES[0] + b"\n" + LINES[1], False, "line 2"),
        (LINES[0] + LINES[0], False, "line 2 is no result, or the second one"),
        (FAILURE, False, "line 1 is no result"),
        (b"a text\n", True, "not gzip"),
        (gzip.compress(b"a text\n", mtime=0), True, "line 1"),
        (gzip.compress(b"a text without an end" * 100, mtime=0)[:-10], True, "not written"),
        (b"a text" + ZEROS, False, "not written by this command"),
        (TORN[:1_000] + b"x" * 500 + TORN[1_500:], True, "not gzip"),
        (compress(LINES[0]) + b"text", True, "behind line 1: not gzip"),
    ],
)
def test_a_file_of_something_else_is_refused(
    data: bytes, compressed: bool, reason: str, tmp_path: Path
) -> None:
    """A file that no run has written is named, and not changed."""
    file = tmp_path / "out"
    file.write_bytes(data)

    with pytest.raises(CommandError, match=reason) as caught:
        read_finished_jobs(file, compressed=compressed)

    assert caught.value.status == 2
    assert file.read_bytes() == data


def test_a_file_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    """The path is named."""
    with pytest.raises(CommandError, match="cannot read"):
        read_finished_jobs(tmp_path, compressed=False)
