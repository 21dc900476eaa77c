"""Template `vat`: VAT by month, rate and reason, purchases and sales; split payment and reverse charge apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from tasks.export.papers import Row, counted, office_notes
from tasks.export.parts import finish, nothing
from tasks.export.records import Intake, Material, Papers
from tasks.export.report import Report
from tasks.export.sheets import Head, Line, Sheet, Tables, as_pdf
from tasks.export.words import Words
from tasks.office.codes import with_words

NAME = "vat"
DESCRIPTION = (
    "VAT by month, rate and reason for purchases and sales, split payment and reverse charge apart, against the returns"
)
INTAKE = Intake(most=0)

Month = tuple[int, int]


def compose(material: Material, words: Words) -> Report:
    """Return the VAT as a report."""
    if material.papers is None or not material.papers.invoices:
        return finish(words("vat_title"), material, nothing(words, "no_papers"), words)
    return as_pdf(tables(material.papers, words), material, words)


def tables(papers: Papers, words: Words) -> Tables:
    """Return the VAT as tables, by the date of the invoices."""
    rows = _rows(papers)
    keys = ("purchases", "sales", "split_sales", "reverse_charge")
    sheets = (_settlement(papers, rows, words), *(_sheet(words(key), rows[key], words) for key in keys))
    return Tables(words("vat_title"), (), sheets, (*office_notes(papers, words), words("vat_note")))


def _rows(papers: Papers) -> dict[str, list[Row]]:
    """Return rows of the VAT summary by what they are for the office."""
    invoices = {(row["document_id"], row["body"]): row for row in counted(papers)}
    found: dict[str, list[Row]] = {key: [] for key in ("purchases", "sales", "split_sales", "reverse_charge")}
    for row in papers.vat:
        invoice = invoices.get((row["document_id"], row["body"]))
        if invoice is None or row["date"] is None:
            continue
        direction = invoice["direction"]
        if direction == "self":
            found["reverse_charge"].append(row)
        elif direction == "sale":
            found["split_sales" if row["due"] == "S" else "sales"].append(row)
        elif direction == "purchase":
            found["purchases"].append(row)
    return found


def _sheet(name: str, rows: Iterable[Row], words: Words) -> Sheet:
    sums: dict[tuple[Month, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row in rows:
        key = ((row["date"].year, row["date"].month), _reason(row, words))
        sums[key][0] += row["taxable"] or 0
        sums[key][1] += row["tax"] or 0
    heads = (
        Head(words("month")),
        Head(words("rate_or_nature")),
        Head(words("taxable"), "money"),
        Head(words("tax"), "money"),
    )
    lines = [Line((_month(month, words), reason, *_rounded(sums[month, reason]))) for month, reason in sorted(sums)]
    total = Line((words("total"), "", *_rounded([sum(v[i] for v in sums.values()) for i in (0, 1)])), "total")
    return Sheet(name, heads, (*lines, total) if lines else ())


def _reason(row: Row, words: Words) -> str:
    if row["nature"]:
        return with_words("nature", row["nature"], words.language)
    return words.format.percent(row["rate"], 0 if (row["rate"] or 0) % 1 == 0 else 2)


def _rounded(values: Iterable[float]) -> list[float]:
    return [round(value, 2) for value in values]


def _month(month: Month, words: Words) -> str:
    return words.format.month(date(*month, 1))


def _settlement(papers: Papers, rows: dict[str, list[Row]], words: Words) -> Sheet:
    """Return VAT on sales less VAT on purchases by month, beside what the return says; reverse charge counts on both sides, split on none."""
    sums: dict[Month, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for key, sides in (("sales", (0,)), ("purchases", (1,)), ("reverse_charge", (0, 1))):
        for row in rows[key]:
            for side in sides:
                sums[row["date"].year, row["date"].month][side] += row["tax"] or 0
    ours = {vat.removeprefix("IT") for vat in papers.owner}
    returned = {
        (p["year"], p["month"]): p["due"]
        for p in papers.vat_periods
        if p["month"] and str(p["vat"]).removeprefix("IT") in ours
    }
    heads = (
        Head(words("month")),
        Head(words("output_tax"), "money"),
        Head(words("input_tax"), "money"),
        Head(words("balance"), "money"),
        Head(words("returned"), "money"),
        Head(words("difference"), "money"),
    )
    lines = []
    for month in sorted(sums.keys() | returned.keys()):
        output, deducted = _rounded(sums[month])
        stated = returned.get(month)
        balance = round(output - deducted, 2)
        off = None if stated is None else round(balance - stated, 2)
        lines.append(Line((_month(month, words), output, deducted, balance, stated, off)))
    return Sheet(words("settlement"), heads, tuple(lines))
