"""Invented material for the tests of the reports: two firms over six years, readings, a ledger and a week."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from tasks.export.records import (
    Alert,
    Analysed,
    CollectionSize,
    Count,
    Day,
    Entry,
    FailureGroup,
    Material,
    Queue,
    Schedule,
    Week,
)
from tasks.figures import Check, Conflict, Figure, Financial, Metric
from tasks.readings import Classes, Entity, Passage, Phrase, Reading, Sentence, Sentiment

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
YEARS = tuple(f"FY{year}" for year in range(2020, 2026))
GROWTH = (1.0, 1.04, 1.11, 1.08, 1.19, 1.27)
BASE = {  # thousands of euro in the first year
    "revenue": 412_350,
    "cost_of_goods_sold": 251_533,
    "gross_profit": 160_817,
    "personnel_cost": 68_210,
    "operating_income": 41_870,
    "interest_expense": 3_420,
    "pretax_income": 38_450,
    "income_tax": 10_720,
    "net_income": 27_730,
    "cash_and_equivalents": 35_120,
    "accounts_receivable": 78_400,
    "inventory": 66_015,
    "current_assets": 189_300,
    "property_plant_equipment": 142_880,
    "total_assets": 398_700,
    "accounts_payable": 61_250,
    "current_liabilities": 118_640,
    "long_term_debt": 92_300,
    "total_liabilities": 231_400,
    "shareholders_equity": 167_300,
    "operating_cash_flow": 52_610,
    "depreciation_amortization": 19_400,
    "capital_expenditure": 27_850,
    "dividends_paid": 9_000,
}


def figures(years: tuple[str, ...] = YEARS, scale: float = 1000.0, wobble: float = 0.0) -> tuple[Figure, ...]:
    """Every item for every year; `wobble` moves the years apart so that metrics differ."""
    made = []
    for number, year in enumerate(years):
        for place, (item, base) in enumerate(BASE.items()):
            factor = GROWTH[number % len(GROWTH)] * (1 + wobble * ((place * 7 + number * 3) % 5 - 2))
            made.append(
                Figure(
                    item,
                    year,
                    Decimal(round(base * factor) * scale),
                    item.replace("_", " ").capitalize(),
                    40 + place // 9,
                    "consolidated",
                )
            )
    return tuple(made)


def metrics(found: tuple[Figure, ...]) -> tuple[Metric, ...]:
    """A few metrics of each unit, computed from the figures."""
    value = {(figure.item, figure.period): float(figure.value) for figure in found}
    made: list[Metric] = []
    years = sorted({figure.period for figure in found})
    for number, year in enumerate(years):
        revenue, operating = value["revenue", year], value["operating_income", year]
        made += [
            Metric(
                "gross_margin",
                year,
                100 * value["gross_profit", year] / revenue,
                "percent",
                "gross_profit / revenue",
                (("gross_profit", value["gross_profit", year]), ("revenue", revenue)),
            ),
            Metric(
                "operating_margin",
                year,
                100 * operating / revenue,
                "percent",
                "operating_income / revenue",
                (("operating_income", operating), ("revenue", revenue)),
            ),
            Metric("net_margin", year, 100 * value["net_income", year] / revenue, "percent", "net_income / revenue"),
            Metric(
                "current_ratio",
                year,
                value["current_assets", year] / value["current_liabilities", year],
                "ratio",
                "current_assets / current_liabilities",
            ),
            Metric(
                "quick_ratio", year, 0.93 + number / 20, "ratio", "(current_assets − inventory) / current_liabilities"
            ),
            Metric(
                "working_capital",
                year,
                value["current_assets", year] - value["current_liabilities", year],
                "currency",
                "current_assets − current_liabilities",
            ),
            Metric("debt_to_equity", year, 1.38 - number / 9, "ratio", "total_liabilities / shareholders_equity"),
            Metric(
                "interest_coverage",
                year,
                operating / value["interest_expense", year],
                "ratio",
                "operating_income / interest_expense",
            ),
            Metric("dso", year, 66 + number, "days", "365·avg(accounts_receivable) / revenue"),
            Metric(
                "free_cash_flow",
                year,
                value["operating_cash_flow", year] - value["capital_expenditure", year],
                "currency",
                "operating_cash_flow − capital_expenditure",
            ),
        ]
        if number:
            before = value["revenue", years[number - 1]]
            made.append(
                Metric(
                    "revenue_growth",
                    year,
                    100 * (revenue / before - 1),
                    "percent",
                    "revenue / revenue of the year before − 1",
                )
            )
    return tuple(made)


def entry(number: int, **changes: object) -> Entry:
    """A document of the ledger."""
    formats = ("pdf", "docx", "xlsx", "html", "pdf", "eml", "pptx")
    values: dict[str, object] = {
        "document_id": f"{number:032x}",
        "path": f"/archive/{2020 + number % 6}/Relazione {number:04d}.{formats[number % 7]}",
        "title": f"Relazione {number}",
        "format": formats[number % 7],
        "language": ("it", "en", "it", "")[number % 4],
        "pages": 3 + number % 90,
        "chunks": 10 + number % 300,
        "bytes": 20_000 + number * 977 % 9_000_000,
        "seconds": 0.4,
        "indexed_at": NOW - timedelta(days=number % 50, hours=number % 24),
        "modified_at": NOW - timedelta(days=number * 13 % 2_000),
    }
    return Entry(**{**values, **changes})  # type: ignore[arg-type]


def quarantined(number: int, kind: str, message: str) -> Entry:
    return entry(
        number,
        state="quarantined",
        stage="parse",
        kind=kind,
        message=message,
        attempts=number % 3 + 1,
        pages=0,
        chunks=0,
        indexed_at=None,
    )


def ledger(size: int = 60) -> tuple[Entry, ...]:
    failed = (
        quarantined(9001, "encrypted", "The PDF is encrypted: give a version without a password."),
        quarantined(9002, "corrupt", "The cross-reference table ends early and could not be rebuilt."),
        quarantined(9003, "encrypted", "The workbook is encrypted: give a version without a password."),
        quarantined(9004, "timeout", "Reading took more than 120 s: raise FALDONE_LIMITS__SECONDS if it is worth it."),
    )
    return (*(entry(number) for number in range(size)), *failed)


def financial(company: str = "", wobble: float = 0.0, years: tuple[str, ...] = YEARS) -> Financial:
    found = figures(years, wobble=wobble)
    checks = tuple(
        Check(
            "assets_are_liabilities_and_equity",
            year,
            passed=year != "FY2023" or not wobble,
            difference=0.0 if year != "FY2023" or not wobble else -1_250_000.0,
        )
        for year in years
    )
    sides = [
        Figure("inventory", years[-1], Decimal(value), page=page)
        for value, page in ((83_839_000, 41), (84_100_000, 77))
    ]
    conflict = Conflict("inventory", years[-1], *sides)
    return Financial("EUR", years, found, metrics(found), checks, (conflict,), company=company)


def reading() -> Reading:
    sentences = (
        "Nel corso dell’esercizio i ricavi del gruppo sono cresciuti del 6,7%, sostenuti dalla domanda estera.",
        "Il risultato operativo ha risentito del maggior costo dell’energia nella prima metà dell’anno.",
        "Gli investimenti sono stati dedicati al nuovo stabilimento e alla digitalizzazione dei magazzini.",
    )
    return Reading(
        language="it",
        summary=tuple(Sentence(text, 4 + number * 7) for number, text in enumerate(sentences)),
        phrases=tuple(
            Phrase(text, score=1 - n / 10)
            for n, text in enumerate(
                ("domanda estera", "nuovo stabilimento", "costo dell’energia", "magazzini automatici")
            )
        ),
        entities=(
            Entity("vat_number", "IT01234567897", "IT01234567897", count=3),
            Entity("iban", "IT60X0542811101000000123456", "IT60X0542811101000000123456", 12),
            Entity("amount", 1_250_000, "€ 1.250.000", 9, "EUR", 4, "un mutuo di € 1.250.000 per lo stabilimento"),
            Entity("email", "bilanci@example.org", "bilanci@example.org", count=2),
        ),
        statistics=(("words", 18_420.0), ("sentences", 912.0), ("words_per_sentence", 20.2)),
    )


def sentiment(passages: int = 40) -> Sentiment:
    labels = ("neutral", "positive", "neutral", "negative", "positive")
    text = "La direzione prevede un andamento in linea con l’anno precedente, con margini in lieve miglioramento. "
    return Sentiment(
        "positive",
        0.71,
        "sentiment 2026-11-01",
        tuple(
            Passage(
                text * (1 + number % 3),
                1 + number // 3,
                labels[number * 7 % 5],
                0.55 + (number * 37 % 40) / 100,
                f"Relazione > Parte {number // 8 + 1}",
            )
            for number in range(passages)
        ),
    )


def week() -> Week:
    first = date(2026, 11, 9)
    days = tuple(
        Day(
            first + timedelta(days=n),
            indexed=(320, 410, 0, 128, 560, 12, 4)[n],
            quarantined=(3, 0, 0, 2, 11, 0, 0)[n],
            pages=(4200, 5100, 0, 1400, 8800, 60, 20)[n],
            seconds=(310.0, 350.0, 0.0, 96.0, 701.0, 8.0, 3.0)[n],
        )
        for n in range(7)
    )
    return Week(
        first,
        first + timedelta(days=6),
        days,
        failures=(
            FailureGroup("encrypted", 9, "The PDF is encrypted.", ("/archive/a.pdf", "/archive/b.pdf")),
            FailureGroup("timeout", 5, "Reading took more than 120 s.", ("/archive/huge scan.pdf",)),
            FailureGroup("corrupt", 2, "The file ends early.", ("/archive/c.docx",)),
        ),
        queues=(
            Queue("indexing", 42, 1.2, 35.0, 1),
            Queue("analysis", 18, 0.8, 12.0),
            Queue("maintenance", 2044, 0.5, 9.0),
        ),
        schedules=(
            Schedule("health/checks", 2016, 2015, 0, 8.0, NOW),
            Schedule("backup/daily", 7, 7, 0, 3.0, NOW),
            Schedule("optimise/indexes", 7, 6, 1, 5.0, NOW),
            Schedule("report/weekly", 1, 0, 0, 0.0, None),
        ),
        collections=(
            CollectionSize("default", 4210, 181_000, 912_000_000, 170_400, 860_000_000),
            CollectionSize("contratti", 388, 20_100, 98_000_000),
        ),
        analyses=(Count("financial", 310), Count("sentiment", 295)),
        models=(Count("reclami", 1, "accuracy 0.93, promoted"),),
        alerts=(Alert(NOW, "Flow run failed", "optimise/indexes: disk full"),),
        needs=("9 encrypted documents wait for a version without a password.", "optimise/indexes failed on Thursday."),
        cache_hits=81_200,
        cache_misses=19_300,
        disk_free=182_000_000_000,
        indexed_before=1_290,
        notes=("Queue waits are measured from the scheduled time to the start of the run.",),
    )


def material(size: int = 60) -> Material:
    """Everything at once."""
    entries = ledger(size)
    analysed = (
        Analysed(entries[0], financial("Officine Meridiane S.p.A.", 0.01), sentiment(), None, reading()),
        Analysed(
            entries[1],
            financial("Cartiera del Lago S.r.l.", 0.02),
            sentiment(12),
            Classes("bilancio", (("bilancio", 0.91), ("contratto", 0.06), ("verbale", 0.03)), "tipi 2026-10-02"),
        ),
        Analysed(entries[2], Financial(reason="No statement was found: the pages are scans without text.")),
        Analysed(entries[3], failures=(("sentiment", "The model asks for 512 tokens; the text is empty."),)),
    )
    return Material("default", NOW, entries, analysed, week())
