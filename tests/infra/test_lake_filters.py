"""Filters: what the lake counts is what Python counts over the same rows, for any condition of any kind."""

from __future__ import annotations

import math
import pickle
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra import lake_filters
from infra.errors import TransientError, UsageError
from infra.lake import Lake
from infra.lake_filters import Compare

ROWS: list[dict[str, Any]] = [
    {"key": str(number), "word": word, "n": n, "x": x, "on": on}
    for number, (word, n, x, on) in enumerate(
        [
            ("o'hara", 1, 0.5, True),
            ("O'Hara & C.", 2, -1.25, False),
            ("100%_sicuro", 3, 1e12, True),
            ("", 0, 0.0, False),
            (None, None, None, None),
            ("Società\\n", -7, 0.1, True),
            ("true", 2, 2.0, None),
        ]
    )
]
SCHEMA = pa.schema(
    [("key", pa.string()), ("word", pa.string()), ("n", pa.int32()), ("x", pa.float64()), ("on", pa.bool_())]
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    found = Lake(str(tmp_path_factory.mktemp("filters")))
    found.upsert("c.rows", pa.Table.from_pylist(ROWS, SCHEMA), "key")
    return found


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "word": st.sampled_from(["o'hara", "O'HARA", "%", "_", "", "à", "\\", "true", "') OR ('1'='1"]),
    "n": st.integers(-8, 4),
    "x": st.sampled_from([0.5, -1.25, 1e12, 0, 0.1, 2, -0.0]),
    "on": st.booleans(),
}


@st.composite
def conditions(draw: st.DrawFn) -> tuple[str, Any]:
    column = draw(st.sampled_from(sorted(VALUES)))
    value = VALUES[column]
    kinds: list[st.SearchStrategy[Any]] = [st.none(), value, value.map(str)]
    if column != "on":
        kinds += [
            st.builds(Compare, st.none() | value, st.none() | value, st.booleans()),
            st.lists(value, max_size=4),
        ]
    if column == "word":
        kinds.append(st.builds(Compare, negated=st.booleans(), holds=value))
    return column, draw(st.one_of(kinds))


def holds(cell: Any, wanted: Any) -> bool:
    """Whether a cell fulfils a condition; SQL says neither yes nor no of what is not there."""
    if wanted is None:
        return cell is None
    if cell is None:
        return isinstance(wanted, Compare) and not wanted.negated and wanted == Compare()
    if isinstance(wanted, list):
        return cell in wanted
    if isinstance(wanted, Compare):
        inside = (
            wanted.holds.lower() in cell.lower()
            if wanted.holds
            else (wanted.low is None or cell >= wanted.low) and (wanted.high is None or cell <= wanted.high)
        )
        return inside != wanted.negated
    if isinstance(wanted, str) and not isinstance(cell, str):
        return str(cell).lower() == wanted.lower() or (not isinstance(cell, bool) and float(cell) == _number(wanted))
    return bool(cell == wanted)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


@settings(max_examples=60)
@given(st.lists(conditions(), max_size=3))
def test_the_lake_counts_what_python_counts(filled: Lake, chosen: list[tuple[str, Any]]) -> None:
    where = dict(chosen)
    expected = {row["key"] for row in ROWS if all(holds(row[column], wanted) for column, wanted in where.items())}
    found = filled.read("c.rows", ["key"], where)["key"].to_pylist()
    assert (sorted(found), filled.count("c.rows", where)) == (sorted(expected), len(expected))


@settings(max_examples=15)
@given(st.lists(st.integers(-8, 4), max_size=6), st.lists(st.sampled_from(["o'hara", "true", "%"]), max_size=3))
def test_long_lists_are_split_and_give_the_same(filled: Lake, numbers: list[int], words: list[str]) -> None:
    where = {"n": numbers, "word": words}
    whole = filled.count("c.rows", where)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lake_filters, "IN_LIST", 2)
        split = [filled.read("c.rows", ["key"], where).num_rows, filled.count("c.rows", where)]
    assert [whole, whole] == split
    assert whole == sum(row["n"] in numbers and row["word"] in words for row in ROWS)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"on": "perhaps"}, "not a value of type bool"),
        ({"x": "a lot"}, "not a value of type double"),
        ({"x": "nan"}, "not a value of type double"),
        ({"x": math.inf}, "not a value of type double"),
        ({"n": "1.5"}, "not a value of type int32"),
        ({"word": "a\0b"}, "zero character"),
        ({"word": ["a\0b"]}, "zero character"),
        ({"word": Compare(holds="\0")}, "zero character"),
        ({"absent": 1}, "no column 'absent'"),
    ],
)
def test_a_value_that_no_cell_can_have_is_refused_by_name(filled: Lake, where: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        filled.count("c.rows", where)


def test_nothing_is_removed_without_a_condition_and_what_matches_is_counted(tmp_path: Any) -> None:
    lake = Lake(str(tmp_path))
    lake.upsert("c.rows", pa.Table.from_pylist(ROWS, SCHEMA), "key")
    with pytest.raises(ValueError, match="condition"):
        lake.delete("c.rows", {})
    assert lake.delete("c.rows", {"word": []}) == 0
    assert lake.delete("c.rows", {"n": 2}) == 2
    assert lake.delete("c.gone", {"n": 2}) == 0
    assert lake.count("c.rows") == len(ROWS) - 2


def test_another_process_opens_the_same_lake_and_reads_it_in_pieces(filled: Lake) -> None:
    again = pickle.loads(pickle.dumps(filled))
    pieces = list(again.batches("c.rows", ["key"], {"n": [1, 2, 3]}, size=1))
    assert sorted(key for piece in pieces for key in piece["key"].to_pylist()) == ["0", "1", "2", "6"]
    assert [piece.num_rows for piece in pieces] == [1] * len(pieces)


def test_batches_are_of_one_version_each_row_once_whatever_was_deleted_and_is_written_meanwhile(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.lake.AHEAD", 4)
    lake = Lake(str(tmp_path))
    schema = pa.schema([("key", pa.string()), ("n", pa.int32())])
    for start in range(0, 30, 10):  # in three fragments
        lake.append(
            "c.rows", pa.Table.from_pylist([{"key": str(n), "n": n} for n in range(start, start + 10)], schema), "key"
        )
    lake.delete("c.rows", {"n": [3, 4, 5, 6, 7, 12, 29]})
    lake.upsert("c.rows", pa.Table.from_pylist([{"key": "1", "n": 1}, {"key": "30", "n": 30}], schema), "key")
    there = sorted(lake.read("c.rows")["n"].to_pylist())
    assert len(there) == 24
    batches = lake.batches("c.rows", ["n"], size=3)
    seen = next(batches)["n"].to_pylist()
    lake.delete("c.rows", {"n": there[:20]})
    lake.append("c.rows", pa.Table.from_pylist([{"key": "late", "n": 99}], schema), "key")
    seen += [n for batch in batches for n in batch["n"].to_pylist()]
    assert sorted(seen) == there


def test_a_data_folder_that_is_a_file_is_named(tmp_path: Any) -> None:
    (tmp_path / "lake").write_text("a file")
    with pytest.raises((TransientError, UsageError), match=str(tmp_path)):
        Lake(str(tmp_path)).names()
