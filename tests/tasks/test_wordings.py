"""Tables of wordings: what the loader refuses, and that the tables know each other."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tasks.analyse.statements.compute_metrics import metric_formulas, parse_formula
from tasks.analyse.statements.match_concepts import items_of_concept
from tasks.analyse.statements.wordings import ANCHORS, ITEMS, STATEMENTS
from tasks.export import finance
from tasks.wordings import WordingError, load_patterns, load_table


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "invented_words" / "wordings").mkdir(parents=True)
    (tmp_path / "invented_words" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "invented_words", raising=False)
    return tmp_path / "invented_words" / "wordings"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("key,it\na,b\n", "the columns are"),
        ("key,en\n", "the table is empty"),
        ("key,en\na,b\nc\n", "line 3"),
        ("key,en\na, b\n", "line 2"),
        ("key,en\na,b\na,b\n", "line 3: the row stands there twice"),
    ],
)
def test_a_table_of_another_shape_is_refused_with_its_line(package: Path, text: str, told: str) -> None:
    (package / "words.csv").write_text(text)
    with pytest.raises(WordingError, match=told):
        load_table("invented_words", "words.csv", ("key", "en"))


def test_a_broken_pattern_is_named(package: Path) -> None:
    (package / "patterns.csv").write_text("pattern\nfine\n(open\n")
    with pytest.raises(WordingError, match=r"line 3: '\(open'"):
        load_patterns("invented_words", "patterns.csv", ("pattern",))


def test_every_item_that_is_read_has_a_name_in_the_reports() -> None:
    assert {item for items in ITEMS.values() for item in items} <= set(finance.ITEMS)
    assert set(STATEMENTS) == set(finance.STATEMENTS) == set(ANCHORS)


def test_every_formula_is_over_known_items_and_every_metric_has_a_name() -> None:
    for name, (_, formulas) in metric_formulas().items():
        inputs = {text for formula in formulas for text in parse_formula(formula).inputs}
        assert {text.removeprefix("prior(").rstrip(")") for text in inputs} <= set(finance.ITEMS), name
    assert set(metric_formulas()) <= set(finance.BY_NAME)


def test_every_wording_is_a_canonical_label_s() -> None:
    """Capital letters and accents never occur in canonical labels: such a row could never match."""
    rows = load_table(
        "tasks.analyse.statements", "items.csv", ("statement", "item", "rank", "language", "pattern", "without")
    )
    assert [row["pattern"] for row in rows if row["pattern"] != row["pattern"].lower()] == []
    assert [row["pattern"] for row in rows if not row["pattern"].isascii()] == []


def test_concepts_have_their_rank() -> None:
    assert items_of_concept("TotaleAttivo") == (("balance_sheet", "total_assets", 1),)
    found = items_of_concept("CreditiEsigibiliOltreEsercizioSuccessivo")
    assert found == (("balance_sheet", "receivables_due_after_year", 0),)


def test_each_expression_of_the_summaries_compiles_by_itself() -> None:
    assert load_patterns("tasks.analyse", "patterns.csv", ("list", "pattern"))
