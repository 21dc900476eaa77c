"""Statements that go on over pages: wherever the page breaks, the figures are the same, or absent with a reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from deposit import EXPECTED, INCOME, balance_lines, pdf, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.settings import Settings
from tasks.analyse.financial import analyse
from tasks.index.read import parse_file
from tasks.records import Document, Element, Parsed

LAST = len(balance_lines())


def figures_of(result: dict[str, Any]) -> dict[tuple[str, str], float]:
    return {(row["item"], row["period"]): row["value"] for row in result["figures"]}


def read(data: bytes) -> dict[str, Any]:
    parsed = parse_file(data, "bilancio.pdf", Settings())
    return analyse(Document("0" * 32, "test", "bilancio.pdf", "hash", parsed))


def faults(result: dict[str, Any]) -> list[str]:
    found = figures_of(result)
    wanted = {(item, f"FY{2024 - i}"): value for item, pair in EXPECTED.items() for i, value in enumerate(pair)}
    wrong = [f"{key}: {found.get(key)} instead of {value}" for key, value in wanted.items() if found.get(key) != value]
    return wrong + [row["check"] for row in result["checks"] if not row["passed"]]


@pytest.mark.parametrize("repeat_head", [False, True])
@pytest.mark.parametrize("line", range(1, LAST))
@pytest.mark.slow
def test_a_break_after_any_line_changes_no_figure(line: int, repeat_head: bool) -> None:
    assert faults(read(pdf([line], repeat_head))) == []


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(1, LAST - 1), max_size=5), st.booleans(), st.booleans())
@pytest.mark.slow
def test_any_breaks_change_no_figure(breaks: set[int], repeat_head: bool, running: bool) -> None:
    apart = [line for line in sorted(breaks) if line - 1 not in breaks]  # no page of a single line
    assert faults(read(pdf(apart, repeat_head, running))) == []


def _document(lines: Iterable[list[str]]) -> Document:
    """The accounts as two tables without pages, for what no page break explains."""
    head = ["", "31-12-2024", "31-12-2023"]
    tables = [[head, *lines], [head, *rows(INCOME)]]
    elements = tuple(
        Element("table", "", page, rows=tuple(tuple([*row, "", ""][:3]) for row in table))
        for page, table in enumerate(tables, start=1)
    )
    return Document("0" * 32, "test", "bilancio.pdf", "hash", Parsed("pdf", "", "it", 2, elements))


@pytest.mark.parametrize("lost", [number for number, line in enumerate(balance_lines()) if len(line) > 1])
def test_a_line_that_was_not_read_makes_no_wrong_figure(lost: int) -> None:
    """Sums of lines are proved: without one of them the item is absent, never less, never 0."""
    result = analyse(_document([line for number, line in enumerate(balance_lines()) if number != lost]))
    found = figures_of(result)
    for item, pair in EXPECTED.items():
        for year, value in zip((2024, 2023), pair, strict=True):
            assert found.get((item, f"FY{year}"), value) == value, item


def test_a_lost_debt_fails_the_check_and_says_why() -> None:
    lines = [line for line in balance_lines() if line[0] != "Totale debiti verso banche"]
    lost = next(number for number, line in enumerate(lines) if line[0] == "4) debiti verso banche")
    result = analyse(_document([line for number, line in enumerate(lines) if number not in (lost + 1, lost + 2)]))
    check = next(row for row in result["checks"] if row["check"] == "debt_lines_are_total_debt")
    assert not check["passed"] and check["difference"] == -1_690_000
    absent = {"short_term_debt", "long_term_debt", "current_liabilities"}
    assert not absent & {row["item"] for row in result["figures"]}
    assert any("short_term_debt" in reason and "1,084,000" in reason for reason in result["reasons"])
    told = {row["metric"]: row["reason"] for row in result["not_computed"] if row["period"] == "FY2024"}
    assert "D1 to D14" in told["net_debt"]


def test_the_scheme_says_when_pages_are_missing() -> None:
    """A balance sheet cut off in the middle of its debts gives no debts."""
    lines = balance_lines()
    end = next(number for number, line in enumerate(lines) if line[0].startswith("7) debiti verso fornitori"))
    result = analyse(_document(lines[:end]))
    assert not {"short_term_debt", "long_term_debt", "current_liabilities"} & {r["item"] for r in result["figures"]}
    assert any("the total of the debts (D) was not read" in reason for reason in result["reasons"])


def test_tables_of_the_notes_stay_apart() -> None:
    """Years of their own and no place in the scheme: what follows a balance sheet is not part of it."""
    document = _document(balance_lines())
    note = Element("table", "", 3, rows=(("", "31-12-2024", "31-12-2023"), ("Mutui ipotecari", "900.000", "950.000")))
    parsed = replace(document.parsed, elements=(*document.parsed.elements, note))
    assert faults(analyse(replace(document, parsed=parsed))) == []


@pytest.mark.parametrize("breaks", [[], [20], [46, 55], [50]])
def test_a_figure_stands_in_its_box(breaks: list[int]) -> None:
    """What a person sees at the place of a figure is its number."""
    import pypdfium2

    data = pdf(breaks)
    document = pypdfium2.PdfDocument(data)
    found = [row for row in read(data)["figures"] if "box" in row]
    assert len(found) >= 40
    for row in found:
        page = document[row["page"] - 1]
        left, top, right, bottom = row["box"]
        height = page.get_height()
        seen = page.get_textpage().get_text_bounded(left - 1, height - bottom - 1, right + 1, height - top + 1)
        shown = int(seen.strip().replace(".", "").replace("-", "0").strip("()") or 0)
        parts = "+" in row["label"] or row.get("derived")
        assert shown == abs(row["value"]) or parts, row
    document.close()


def test_the_accounts_of_a_group_and_of_its_parent_are_told_apart() -> None:
    parent = _document(balance_lines())
    group = replace(parent, parsed=replace(parent.parsed, title="Bilancio consolidato al 31 dicembre 2024"))
    assert (analyse(parent)["scope"], analyse(group)["scope"]) == ("", "consolidated")


def test_consolidated_statements_win_over_those_of_the_parent() -> None:
    """Both in one document, the parent's first: the figures are the group's."""

    def statements(title: str, factor: int, page: int) -> list[Element]:
        lines = [
            [label, *(f"{factor * int(v.replace('.', '').replace('-', '0')):,}".replace(",", ".") for v in values)]
            for label, *values in balance_lines()
        ]
        cells = tuple(tuple([*row, "", ""][:3]) for row in [["", "31-12-2024", "31-12-2023"], *lines])
        return [Element("title", title, page), Element("table", "", page, rows=cells)]

    elements = (
        *statements("Stato patrimoniale della società controllante", 1, 1),
        *statements("Stato patrimoniale consolidato", 3, 7),
    )
    document = Document("0" * 32, "test", "b.pdf", "hash", Parsed("pdf", "", "it", 8, elements))
    assert figures_of(analyse(document))["total_assets", "FY2024"] == 3 * 4_277_000
