from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from infra.errors import UsageError
from tasks.train.data import read_labelled, read_table, same_text, text_key
from tasks.train.split import assign

from .conftest import sentences, write_csv

ROWS = [("a b", "x"), ("c d", "x"), ("e f", "x"), ("g h", "y"), ("i j", "y"), ("k l", "y")]


def test_csv_jsonl_and_parquet_give_the_same(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": [t for t, _ in ROWS], "label": [n for _, n in ROWS]})
    frame.write_csv(tmp_path / "a.csv")
    frame.write_csv(tmp_path / "b.csv", separator=";")
    frame.write_ndjson(tmp_path / "a.jsonl")
    frame.write_parquet(tmp_path / "a.parquet")
    read = [read_labelled(str(tmp_path / n), "text", "label") for n in ("a.csv", "b.csv", "a.jsonl", "a.parquet")]
    assert all(one == read[0] for one in read)
    assert read[0].texts == [t for t, _ in ROWS]


def test_whole_number_labels_become_names(tmp_path: Path) -> None:
    pl.DataFrame({"text": [t for t, _ in ROWS], "label": [0, 0, 0, 1, 1, 1]}).write_parquet(tmp_path / "a.parquet")
    assert set(read_labelled(str(tmp_path / "a.parquet"), "text", "label").labels) == {"0", "1"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([*ROWS, ("", "x")], "row 7, column 'text' is empty"),
        ([*ROWS, ("m n", " ")], "row 7, column 'label' is empty"),
        ([(t, "x") for t, _ in ROWS], "column 'label' has one class only (x)"),
        ([*ROWS, ("m n", "z")], "row 7, column 'label': class 'z' has 1 distinct text; each needs 3"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, rows: list[tuple[str, str]], message: str) -> None:
    path = write_csv(tmp_path / "bad.csv", rows)
    with pytest.raises(UsageError) as error:
        read_labelled(path, "text", "label")
    assert str(error.value).startswith(path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_column_names_those_that_are_there(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "bad.csv", ROWS, ("body", "label"))
    with pytest.raises(UsageError, match="no column 'text'; the columns are body, label"):
        read_labelled(path, "text", "label")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"text,label\nciao,x\nperch\xe9,y\n", "row 2 is not UTF-8"),
        ("a.jsonl", b'{"text": "a", "label": "x"}\n{"text": }\n', "row 2, character 10 is not JSON"),
        ("a.csv", b"", "the file is empty"),
        ("a.xml", b"<a/>", "training reads .csv, .jsonl and .parquet"),
        ("a.parquet", b"PAR0", "parquet"),
    ],
)
def test_broken_files_are_told_in_one_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError) as error:
        read_table(str(tmp_path / name))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_file() -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_table("/nowhere/data.csv")


def test_duplicates_and_conflicts_are_counted(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [*ROWS, ("A  B", "x"), ("C d", "y")])
    labelled = read_labelled(path, "text", "label")
    assert (labelled.duplicates, labelled.conflicts) == (2, 1)
    assert labelled.texts == [t for t, _ in ROWS]


def test_texts_of_a_collection(tmp_path: Path) -> None:
    rows = [(f"id{i}", "x" if i < 3 else "y") for i in range(6)]
    path = write_csv(tmp_path / "a.csv", rows, ("document_id", "label"))
    labelled = read_labelled(path, "text", "label", {f"id{i}": f"text {i}" for i in range(6)})
    assert labelled.texts[0] == "text 0"
    with pytest.raises(UsageError, match=r"row 6, column 'document_id': id5 is not an indexed document"):
        read_labelled(path, "text", "label", {f"id{i}": f"text {i}" for i in range(5)})


def test_same_text_and_its_key() -> None:
    assert same_text("Ｐｒｏｆｉｔ  UP\n") == same_text("profit up")
    assert text_key("Profit up") == text_key("profit  UP") != text_key("profit down")
    assert 0 <= text_key("x") < 2**63


def test_split_is_stratified_seeded_and_disjoint() -> None:
    rows = sentences(300)
    texts, labels = [t for t, _ in rows], [n for _, n in rows]
    places = assign(texts, labels, [""] * 300, seed=1)
    assert places == assign(texts, labels, [""] * 300, seed=1)
    assert places != assign(texts, labels, [""] * 300, seed=2)
    for label in set(labels):
        here = [p for p, n in zip(places, labels, strict=True) if n == label]
        assert here.count("test") == round(0.2 * len(here))
        assert here.count("validation") == round(0.1 * len(here))


def test_smallest_class_is_in_every_part() -> None:
    places = assign(["a", "b", "c", "d", "e", "f"], ["x", "x", "x", "y", "y", "y"], [""] * 6, seed=0)
    assert sorted(places[:3]) == sorted(places[3:]) == ["test", "train", "validation"]


def test_held_out_texts_stay_held_out_when_the_data_grow() -> None:
    rows = sentences(400)
    texts, labels = [t for t, _ in rows], [n for _, n in rows]
    few = assign(texts[:200], labels[:200], [""] * 200, seed=0)
    more = assign(texts, labels, [""] * 400, seed=0)
    tested = [i for i, place in enumerate(few) if place == "test"]
    assert sum(more[i] == "train" for i in tested) <= len(tested) / 3


def test_given_split_stands(tmp_path: Path) -> None:
    rows = sentences(60)
    frame = pl.DataFrame(
        {
            "text": [t for t, _ in rows],
            "label": [n for _, n in rows],
            "split": ["test" if i % 3 == 0 else "train" for i in range(60)],
        }
    )
    frame.write_csv(tmp_path / "a.csv")
    labelled = read_labelled(str(tmp_path / "a.csv"), "text", "label")
    places = assign(labelled.texts, labelled.labels, labelled.splits, seed=0)
    assert [i for i, p in enumerate(places) if p == "test"] == list(range(0, 60, 3))
    assert "validation" in places


def test_a_split_column_with_one_value_splits_nothing(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": [t for t, _ in ROWS], "label": [n for _, n in ROWS], "split": ["train"] * 6})
    frame.write_csv(tmp_path / "a.csv")
    assert set(read_labelled(str(tmp_path / "a.csv"), "text", "label").splits) == {""}


def test_a_copy_across_a_given_split_leaves_training(tmp_path: Path) -> None:
    rows = [*ROWS, ("A B", "x"), ("k L", "y")]
    frame = pl.DataFrame(
        {"text": [t for t, _ in rows], "label": [n for _, n in rows], "split": ["train"] * 6 + ["test"] * 2}
    )
    frame.write_csv(tmp_path / "a.csv")
    labelled = read_labelled(str(tmp_path / "a.csv"), "text", "label")
    assert labelled.duplicates == 2
    assert [t for t, s in zip(labelled.texts, labelled.splits, strict=True) if s == "test"] == ["A B", "k L"]
