"""Template `spend`: what is spent with each supplier, year over year, its share, and prices of the same line that changed."""

from __future__ import annotations

from collections import defaultdict

from tasks.export.papers import Row, counted, office_notes, party
from tasks.export.parts import finish, nothing
from tasks.export.records import Intake, Material, Papers
from tasks.export.report import Report
from tasks.export.sheets import Head, Line, Sheet, Tables, as_pdf
from tasks.export.words import Words

NAME = "spend"
DESCRIPTION = "spend by supplier and year with its share and change, and prices of the same line that changed"
INTAKE = Intake(most=0)
MOST_PRICES = 200


def compose(material: Material, words: Words) -> Report:
    """Return the spend as a report."""
    if material.papers is None or not material.papers.invoices:
        return finish(words("spend_title"), material, nothing(words, "no_papers"), words)
    return as_pdf(tables(material.papers, words), material, words)


def tables(papers: Papers, words: Words) -> Tables:
    """Return the spend as tables."""
    bought = [row for row in counted(papers) if row["direction"] == "purchase" and row["date"]]
    sheets = (_suppliers(bought, words), _prices(papers, bought, words))
    return Tables(words("spend_title"), (), sheets, (*office_notes(papers, words), words("spend_note")))


def _net(row: Row) -> float:
    """Return the taxable amount with the sign that it has for the office."""
    return (row["taxable"] or 0.0) * (-1 if (row["signed_total"] or 0) < 0 else 1)


def _suppliers(bought: list[Row], words: Words) -> Sheet:
    years = sorted({row["date"].year for row in bought})
    sums: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    names: dict[str, str] = {}
    counts: dict[str, int] = defaultdict(int)
    for row in bought:
        key = str(row["supplier_vat"] or row["supplier"])
        names.setdefault(key, party(row, "supplier"))
        sums[key][row["date"].year] += _net(row)
        counts[key] += 1
    last = years[-1] if years else 0
    total = {year: sum(by[year] for by in sums.values()) for year in years}
    heads = (
        Head(words("supplier")),
        Head(words("invoices"), "count"),
        *(Head(str(year), "money") for year in years),
        Head(words("change"), "percent"),
        Head(words("share"), "percent"),
    )
    lines = [
        Line(
            (
                names[key],
                counts[key],
                *(round(sums[key][y], 2) for y in years),
                _change(sums[key], last),
                _share(sums[key][last], total[last]),
            )
        )
        for key in sorted(sums, key=lambda key: (-sums[key][last], names[key]))
    ]
    if lines:
        sums_of_years = (round(total[year], 2) for year in years)
        values = (words("total"), sum(counts.values()), *sums_of_years, _change(total, last), None)
        lines.append(Line(values, "total"))
    return Sheet(words("by_supplier"), heads, tuple(lines))


def _change(by_year: dict[int, float], last: int) -> float | None:
    """Return percent since the year before; none where there was nothing."""
    before = by_year.get(last - 1, 0.0)
    return round(100 * (by_year.get(last, 0.0) / before - 1), 1) if before > 0 else None


def _share(part: float, whole: float) -> float | None:
    return round(100 * part / whole, 1) if whole > 0 else None


def _prices(papers: Papers, bought: list[Row], words: Words) -> Sheet:
    """Return the same text and unit of one supplier at a first and a last price that differ, the largest change first."""
    wanted = {(row["document_id"], row["body"]): row for row in bought if (row["signed_total"] or 0) >= 0}
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for line in papers.lines:
        invoice = wanted.get((line["document_id"], line["body"]))
        if invoice is not None and line["price"] and line["text"]:
            groups[party(invoice, "supplier"), " ".join(line["text"].split()).casefold(), line["unit"]].append(line)
    found = []
    for (supplier, _, _), lines in groups.items():
        lines.sort(key=lambda line: line["date"])
        first, last = lines[0], lines[-1]
        if first["date"] < last["date"] and first["price"] != last["price"]:
            change = round(100 * (last["price"] / first["price"] - 1), 1)
            values = (supplier, last["text"], first["date"], first["price"], last["date"], last["price"], change)
            found.append(Line(values, path=last["path"]))
    found.sort(key=lambda line: -abs(line.values[-1]))
    heads = (
        Head(words("supplier")),
        Head(words("line")),
        Head(words("dated"), "date"),
        Head(words("first_price"), "money"),
        Head(words("dated"), "date"),
        Head(words("last_price"), "money"),
        Head(words("change"), "percent"),
    )
    return Sheet(words("prices"), heads, tuple(found[:MOST_PRICES]))
