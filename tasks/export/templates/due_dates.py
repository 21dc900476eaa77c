"""Template `due-dates` (scadenzario): what is to be paid and collected, by week and month, what is overdue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from tasks.export.layout import Tile
from tasks.export.papers import Row, counted, main_currency, office_notes, party
from tasks.export.parts import finish, nothing
from tasks.export.records import Intake, Material, Papers
from tasks.export.report import Report
from tasks.export.sheets import Head, Line, Sheet, Tables, as_pdf
from tasks.export.words import Words

NAME = "due-dates"
DESCRIPTION = "what is to be paid and collected: overdue, by week and month, net of withholding, split and credit notes"
INTAKE = Intake(most=0)
WEEKS = 8


def compose(material: Material, words: Words) -> Report:
    """Return the due dates as a report."""
    if material.papers is None or not material.papers.invoices:
        title = words("due_title", date=words.format.short_date(material.made_at.date()))
        return finish(title, material, nothing(words, "no_papers"), words)
    return as_pdf(tables(material.papers, words), material, words)


def tables(papers: Papers, words: Words) -> Tables:
    """Return the due dates as tables. Instalments as the papers state them; what is paid by the day of the report is gone."""
    rows = {side: _open(papers, side) for side in ("purchase", "sale")}
    return Tables(
        words("due_title", date=words.format.short_date(papers.on)),
        _tiles(papers, rows["purchase"], words),
        (
            _months(rows, papers.on, words),
            _weeks(rows, papers.on, words),
            _list(papers, rows["purchase"], "supplier", words("payables"), words),
            _list(papers, rows["sale"], "customer", words("receivables"), words),
            _credits(papers, words),
        ),
        tuple(office_notes(papers, words)),
    )


def _open(papers: Papers, direction: str) -> list[Row]:
    """Open instalments of invoices that count, by due date, those without one last; credit notes are not among them."""
    currency = main_currency(papers)
    found = [
        row
        for row in papers.dues
        if row["direction"] == direction
        and row["currency"] == currency
        and row["state"] != "paid"
        and not row["duplicate"]
        and not row["rejected"]
        and (row["amount"] or 0) > 0
    ]
    return sorted(found, key=lambda row: (row["due"] or date.max, str(row["number"])))


def _sum(rows: Sequence[Row]) -> float:
    return float(round(sum(row["amount"] for row in rows), 2))


def _tiles(papers: Papers, rows: Sequence[Row], words: Words) -> tuple[Tile, ...]:
    late = [row for row in rows if row["due"] and row["due"] < papers.on]
    soon = [row for row in rows if row["due"] and papers.on <= row["due"] <= papers.on + timedelta(days=30)]
    credits = round(sum(row["to_pay"] or 0 for row in _credit_notes(papers, "purchase")), 2)
    money = words.format.decimal
    return (
        Tile(money(_sum(late)), words("overdue"), words("to_pay"), "poor" if late else "good"),
        Tile(money(_sum(soon)), words("next_days"), words("to_pay")),
        Tile(money(_sum(rows)), words("open"), words("to_pay")),
        Tile(money(credits), words("credits_open"), words("net_of_credits") + f": {money(_sum(rows) + credits)}"),
    )


def _months(rows: dict[str, list[Row]], on: date, words: Words) -> Sheet:
    """Return overdue first, then a line a month, then what has no date."""
    sums: dict[tuple[int, int, int], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for column, side in enumerate(("purchase", "sale")):
        for row in rows[side]:
            due = row["due"]
            key = (9999, 0, 0) if due is None else (0, 0, 0) if due < on else (1, due.year, due.month)
            sums[key][column] += row["amount"]

    def name(key: tuple[int, int, int]) -> str:
        if key[0] == 0:
            return words("overdue")
        return words("undated") if key[0] == 9999 else words.format.month(date(key[1], key[2], 1))

    lines = [Line((name(key), *(round(value, 2) for value in sums[key]))) for key in sorted(sums)]
    total = Line((words("total"), *(round(sum(v[i] for v in sums.values()), 2) for i in (0, 1))), "total")
    heads = (Head(words("month")), Head(words("to_pay"), "money"), Head(words("to_collect"), "money"))
    return Sheet(words("by_month"), heads, (*lines, total) if lines else ())


def _weeks(rows: dict[str, list[Row]], on: date, words: Words) -> Sheet:
    monday = on - timedelta(days=on.weekday())
    lines = []
    for week in range(WEEKS):
        first = max(on, monday + timedelta(weeks=week))
        last = monday + timedelta(weeks=week, days=6)
        sums = [_sum([r for r in rows[s] if r["due"] and first <= r["due"] <= last]) for s in ("purchase", "sale")]
        if any(sums):
            lines.append(Line((f"{words.format.short_date(first)} – {words.format.short_date(last)}", *sums)))
    heads = (Head(words("week")), Head(words("to_pay"), "money"), Head(words("to_collect"), "money"))
    return Sheet(words("by_week"), heads, tuple(lines))


def _list(papers: Papers, rows: Sequence[Row], side: str, name: str, words: Words) -> Sheet:
    """Return every instalment under its month, with what was credited on its invoice beside it."""
    heads = (
        Head(words("due"), "date"),
        Head(words("late"), "count"),
        Head(words(side)),
        Head(words("number")),
        Head(words("dated"), "date"),
        Head(words("amount"), "money"),
        Head(words("method")),
        Head(words("remark")),
    )
    notes = _notes_by_invoice(papers, words)
    lines: list[Line] = []
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[_group(row["due"], papers.on, words)].append(row)
    for group, part in groups.items():
        lines.append(Line((f"{group}: {words.format.decimal(_sum(part))}",), "group"))
        lines += [_line(row, side, papers.on, notes, words) for row in part]
    if lines:
        lines.append(Line((None, None, words("total"), "", None, _sum(rows), "", ""), "total"))
    return Sheet(name, heads, tuple(lines))


def _group(due: date | None, on: date, words: Words) -> str:
    if due is None:
        return words("undated")
    return words("overdue") if due < on else words.format.month(due)


def _line(row: Row, side: str, on: date, notes: dict[tuple[str, int], list[str]], words: Words) -> Line:
    late = (on - row["due"]).days if row["due"] and row["due"] < on else None
    remarks = list(notes.get((row["document_id"], row["body"]), [])) if row["instalment"] == 1 else []
    if row["ordered_on"] and row["ordered_on"] >= on - timedelta(days=60):
        remarks.append(words("ordered", date=words.format.short_date(row["ordered_on"])))
    if row["iban_ok"] is False:
        remarks.append(words("wrong_iban", iban=row["iban"]))
    values = (
        row["due"],
        late,
        party(row, side),
        row["number"],
        row["date"],
        row["amount"],
        row["method_words"] or row["method"],
    )
    return Line((*values, "; ".join(remarks)), path=row["path"])


def _notes_by_invoice(papers: Papers, words: Words) -> dict[tuple[str, int], list[str]]:
    """Return the credit notes of each invoice, in words."""
    by_path = {row["path"]: (row["document_id"], row["body"]) for row in papers.invoices}
    found: dict[tuple[str, int], list[str]] = defaultdict(list)
    for row in papers.invoices:
        if row["credits"] in by_path:
            amount = words.format.decimal(row["to_pay"])
            found[by_path[row["credits"]]].append(words("credited_by", number=row["number"], amount=amount))
    return found


def _credit_notes(papers: Papers, direction: str) -> list[Row]:
    return [
        row
        for row in counted(papers)
        if row["direction"] == direction
        and (row["signed_total"] or 0) < 0
        and (row["date"] is None or row["date"] <= papers.on)
    ]


def _credits(papers: Papers, words: Words) -> Sheet:
    heads = (
        Head(words("supplier")),
        Head(words("customer")),
        Head(words("number")),
        Head(words("dated"), "date"),
        Head(words("amount"), "money"),
        Head(words("remark")),
    )
    rows = [row for side in ("purchase", "sale") for row in _credit_notes(papers, side)]
    lines = tuple(
        Line(
            (
                party(r, "supplier"),
                party(r, "customer"),
                r["number"],
                r["date"],
                r["to_pay"],
                r["refers_to"] if r["credits"] else words("unlinked_credits"),
            ),
            path=r["path"],
        )
        for r in rows
    )
    return Sheet(words("credits_open"), heads, lines)
