"""The words by which a first page names its document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from infra.lake import Lake
from infra.lake_filters import Filter
from infra.settings import Settings
from tasks import first_page
from tasks.first_page import FirstPages, identifying
from tasks.index.run import index


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("FORM 10-K\nFor the fiscal year ended March 31, 2019\nFiled on May 2, 2020", {"2019"}),
        ("Milano, 12 aprile 2024. Bilancio al 31 dicembre 2023", {"2023"}),
        ("Verbale del 3 maggio 2021, protocollo 20225", {"2021"}),
        ("Fattura n. 12 del 2022, ordine del 2021", {"2022", "2021"}),
    ],
)
def test_the_years_are_those_of_the_period(text: str, years: set[str]) -> None:
    assert {word for word in identifying(text).split() if word.isdigit()} == years


def test_names_are_words_with_a_capital_and_only_the_beginning_counts() -> None:
    text = "Società Èlite S.p.A. con sede in Forlì" + " parola" * 300 + " Zanzibar"
    assert identifying(text).split() == ["Società", "Èlite", "S.p.A.", "Forlì"]


def test_a_document_is_read_once_and_again_when_it_has_changed(
    settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings.model_copy(update={"embedding_model": "bundled"})
    (folder := settings.scratch.parent / "papers").mkdir()
    more = "\n\n".join("the words of another long paragraph follow " * 20 for _ in range(8))
    (folder / "a.txt").write_text(f"Annual report of Quillmere for the year ended June 30, 2023.\n\n{more}")
    (folder / "b.txt").write_text("A letter to Montescaro.")  # short: all of it is its first page
    index(settings, [str(folder)], "c")
    pages, columns = FirstPages(), ["document_id", "content_hash", "path"]
    reads: list[object] = []

    def read(columns: Sequence[str], where: Filter) -> list[dict[str, Any]]:
        reads.append(where)
        return lake.read("c.chunks", columns, where).to_pylist()

    rows = lake.read("c.chunks", columns).to_pylist()
    found = {row["path"][-5:]: pages.of(rows, read)[row["document_id"]].split() for row in rows}
    assert found == {"a.txt": ["Annual", "Quillmere", "June", "2023"], "b.txt": []}
    assert len(reads) == 1
    monkeypatch.setattr(first_page, "KEPT", 1)
    changed = [row | {"content_hash": "other"} for row in rows]
    assert pages.of(changed, read) == pages.of(rows, read)
    assert len(reads) == 3
