"""The financial analysis from tables to figures, metrics, checks and reasons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from books import BALANCE, CASH, CIVIL_ASSETS, CIVIL_INCOME, CIVIL_LIABILITIES, INCOME, document, table

from tasks.analyse.financial import analyse
from tasks.records import Element

MILLION = 1_000_000


def figures(result: dict[str, Any]) -> dict[tuple[str, str], float]:
    return {(row["item"], row["period"]): row["value"] for row in result["figures"]}


def metric(result: dict[str, Any], name: str, period: str) -> dict[str, Any]:
    return next(row for row in result["metrics"] if (row["metric"], row["period"]) == (name, period))


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    titles = (
        "Consolidated statements of income",
        "Consolidated balance sheets",
        "Consolidated statements of cash flows",
    )
    elements: list[Element] = []
    for page, (title, text) in enumerate(zip(titles, (INCOME, BALANCE, CASH), strict=True), start=10):
        elements += [Element("title", title, page, level=1), table(text, page)]
    return analyse(document(elements))


@pytest.mark.parametrize(
    ("item", "period", "value"),
    [
        ("revenue", "FY2019", 1000),
        ("revenue", "FY2018", 800),
        ("cost_of_goods_sold", "FY2019", 600),
        ("gross_profit", "FY2019", 400),
        ("interest_expense", "FY2019", 20),
        ("income_tax", "FY2019", 45),
        ("net_income", "FY2019", 130),
        ("accounts_receivable", "FY2019", 200),
        ("property_plant_equipment", "FY2019", 300),
        ("short_term_debt", "FY2019", 40),
        ("long_term_debt", "FY2018", 260),
        ("shareholders_equity", "FY2019", 390),
        ("total_liabilities", "FY2019", 450),
        ("capital_expenditure", "FY2017", 70),
        ("dividends_paid", "FY2019", 40),
        ("share_repurchases", "FY2017", 0),
        ("cash_and_equivalents", "FY2017", 70),
    ],
)
def test_figures_of_a_report(report: dict[str, Any], item: str, period: str, value: float) -> None:
    assert figures(report)[item, period] == value * MILLION


def test_every_figure_says_where_it_stands(report: dict[str, Any]) -> None:
    pages = {"income_statement": 10, "balance_sheet": 11, "cash_flow_statement": 12}
    opening_cash = ("cash_and_equivalents", "FY2017")  # only the cash flow statement shows it
    for row in report["figures"]:
        assert row["label"]
        assert row["page"] == pages[row["statement"]] or (row["item"], row["period"]) == opening_cash


def test_a_derived_figure_names_its_identity(report: dict[str, Any]) -> None:
    derived = {row["item"] for row in report["figures"] if row.get("derived")}
    assert derived == {"total_liabilities"}


def test_the_header_of_the_result(report: dict[str, Any]) -> None:
    assert report["currency"] == "USD"
    assert report["fiscal_periods"] == ["FY2019", "FY2018", "FY2017"]
    assert {row["statement"]: row["scale"] for row in report["statements"]} == dict.fromkeys(
        ("income_statement", "balance_sheet", "cash_flow_statement"), MILLION
    )
    assert report["reasons"] == [] and report["conflicts"] == []


def test_checks_pass(report: dict[str, Any]) -> None:
    assert {row["check"] for row in report["checks"]} >= {
        "revenue_less_cost_is_gross_profit",
        "balance_sheet_balances",
        "pretax_less_tax_is_net_income",
    }
    assert all(row["passed"] for row in report["checks"])


def test_metrics_carry_formula_and_inputs(report: dict[str, Any]) -> None:
    row = metric(report, "inventory_turnover", "FY2019")
    assert row["value"] == pytest.approx(600 / 140)
    assert row["inputs"] == {"cost_of_goods_sold": 600e6, "inventory": 150e6, "prior(inventory)": 130e6}
    assert metric(report, "gross_margin", "FY2019")["value"] == pytest.approx(40)
    assert metric(report, "roe", "FY2019")["value"] == pytest.approx(100 * 130 / 355)


def test_a_wrong_balance_fails_its_check() -> None:
    result = analyse(document([table(BALANCE.replace("Total assets | $ 850", "Total assets | $ 855"))]))
    failed = {(row["check"], row["period"]) for row in result["checks"] if not row["passed"]}
    assert failed == {("balance_sheet_balances", "FY2019")}
    assert ("total_liabilities", "FY2019") not in figures(result)  # no identity, no derived figure


def test_two_places_that_disagree_are_reported() -> None:
    other = INCOME.replace("Total revenue | 1,000", "Total revenue | 1,020").replace(
        "Gross profit | 400", "Gross profit | 420"
    )
    elements = [Element("title", "Consolidated statements of income", 5, level=1), table(INCOME, 5), table(other, 40)]
    result = analyse(document(elements))
    assert figures(result)["revenue", "FY2019"] == 1000 * MILLION
    conflicts = {row["item"]: (row["reported"]["page"], row["other"]["page"]) for row in result["conflicts"]}
    assert conflicts == {"revenue": (5, 40), "gross_profit": (5, 40)}


@pytest.mark.parametrize(
    "title",
    [
        "Selected quarterly financial data (unaudited)",
        "Parent company only statements",
        "Pro forma statement of income",
        "Segment information",
    ],
)
def test_look_alikes_lose_against_the_primary_statement(title: str) -> None:
    other = INCOME.replace("1,000", "9,000").replace("400", "8,400")
    elements = [Element("title", title, 3, level=1), table(other, 3)]
    elements += [Element("title", "Consolidated statements of income", 50, level=1), table(INCOME, 50)]
    assert figures(analyse(document(elements)))["revenue", "FY2019"] == 1000 * MILLION


def test_years_have_the_names_that_the_document_gives_them() -> None:
    income = (
        INCOME.replace("Year ended December 31,", "Fiscal years ended")
        .replace("2019 |", "February 2, 2019 |")
        .replace("| 2018", "| February 3, 2018")
    )
    text = Element("text", "Fiscal 2018 ended on February 2, 2019 and fiscal 2017 ended on February 3, 2018.", 1)
    result = analyse(document([text, table(income)]))
    assert result["fiscal_periods"] == ["FY2018", "FY2017"]
    assert figures(result)["revenue", "FY2018"] == 1000 * MILLION


def test_years_above_the_table_serve_columns_without_head() -> None:
    body = "\n".join(INCOME.strip("\n").split("\n")[2:])
    elements = [Element("title", "Consolidated statements of income (in thousands)", 1, level=1)]
    elements += [Element("text", "Years ended December 31, 2019 2018", 1), table(body)]
    assert figures(analyse(document(elements)))["revenue", "FY2018"] == 800_000


def test_columns_of_percentages_and_changes_are_no_periods() -> None:
    rows = INCOME.strip("\n").split("\n")
    wide = "\n".join(
        f"{row} | {extra}" for row, extra in zip(rows, ["", "% change", *["25.0%"] * (len(rows) - 2)], strict=True)
    )
    result = analyse(document([table(wide)]))
    assert result["fiscal_periods"] == ["FY2019", "FY2018"]


def test_split_currency_signs_and_parentheses_are_joined() -> None:
    spread = "\n".join(_spread(line) for line in INCOME.strip("\n").split("\n"))
    assert figures(analyse(document([table(spread)])))["income_tax", "FY2019"] == 45 * MILLION


def _spread(line: str) -> str:
    """A line as HTML filings have it: the sign, the amount and the closing parenthesis in cells of their own."""
    label, *cells = [cell.strip() for cell in line.split("|")]
    wide = []
    for cell in cells:
        sign, amount = ("$", cell.lstrip("$ ")) if cell.startswith("$") else ("", cell)
        closing = ")" if amount.endswith(")") and amount[0] == "(" else ""
        wide += [sign, amount.removesuffix(")") if closing else amount, closing]
    return " | ".join([label, *wide])


def test_a_quarterly_report_has_quarters_and_no_metrics_of_years() -> None:
    income = INCOME.replace("Year ended December 31,", "Three months ended September 30,")
    result = analyse(document([Element("text", "fiscal year ended December 31, 2018", 1), table(income)]))
    assert result["fiscal_periods"] == ["2019Q3", "2018Q3"] and result["metrics"] == []


def civil(language: str = "it") -> dict[str, Any]:
    parts = [table(CIVIL_ASSETS, 2), table(CIVIL_LIABILITIES, 3), table(CIVIL_INCOME, 4)]
    return analyse(document(parts, language))


def test_civil_code_accounts() -> None:
    result = civil()
    expected = {
        "revenue": 301_000,
        "value_of_production": 303_000,
        "personnel_cost": 82_500,
        "depreciation_amortization": 9_000,
        "operating_income": 63_000,
        "interest_expense": 4_500,
        "pretax_income": 58_500,
        "income_tax": 8_500,
        "net_income": 50_000,
        "goodwill": 55_000,
        "intangible_assets": 60_000,
        "property_plant_equipment": 1_600_000,
        "inventory": 300_000,
        "accounts_receivable": 820_000,
        "cash_and_equivalents": 150_000,
        "current_assets": 1_300_000,
        "total_assets": 3_000_000,
        "shareholders_equity": 900_000,
        "accounts_payable": 600_000,
        "short_term_debt": 400_000,
        "long_term_debt": 500_000,
        "current_liabilities": 1_150_000,
        "total_liabilities": 2_100_000,
        "receivables_due_after_year": 20_000,
    }
    assert {item: value for (item, period), value in figures(result).items() if period == "FY2019"} == expected
    assert result["currency"] == "EUR" and {row["layout"] for row in result["statements"]} == {"civil code"}
    assert result["reasons"] == ["No cash flow statement was found."]


def test_civil_code_accounts_make_up_no_cost_of_goods_sold() -> None:
    result = civil()
    assert not any(item in {"cost_of_goods_sold", "gross_profit"} for item, _ in figures(result))
    assert not any(row["metric"] in {"gross_margin", "dio", "dpo", "inventory_turnover"} for row in result["metrics"])


def test_consolidated_accounts_take_the_share_of_the_group() -> None:
    liabilities = CIVIL_LIABILITIES.replace(
        "Totale patrimonio netto | 900.000 | 860.000",
        "Totale patrimonio netto di gruppo | 880.000 | 845.000\nCapitale e riserve di terzi | 20.000 | 15.000\n"
        "Totale patrimonio netto consolidato | 900.000 | 860.000",
    )
    income = (
        CIVIL_INCOME
        + "Risultato di pertinenza del gruppo | 48.000 | 43.000\nRisultato di pertinenza di terzi | 2.000 | 1.000\n"
    )
    parts = [table(CIVIL_ASSETS, 2), table(liabilities, 3), table(income, 4)]
    found = figures(analyse(document(parts, "it")))
    assert found["shareholders_equity", "FY2019"] == 880_000
    assert found["net_income", "FY2019"] == 48_000
    assert found["total_liabilities", "FY2019"] == 2_100_000


def test_a_balance_sheet_in_two_tables_is_put_together() -> None:
    rows = BALANCE.strip("\n").split("\n")
    cut = rows.index("Current liabilities: | |")
    first, second = "\n".join(rows[:cut]), "\n".join(["LIABILITIES AND EQUITY | |", *rows[cut:]])
    found = figures(analyse(document([table(first, 7), table(second, 8)])))
    assert found["total_assets", "FY2019"] == 850 * MILLION
    assert found["short_term_debt", "FY2019"] == 40 * MILLION
    assert found["shareholders_equity", "FY2018"] == 320 * MILLION


def test_a_total_without_label_is_the_sum_of_its_section() -> None:
    income = INCOME.replace("Total revenue |", " |")
    rows = {row["item"]: row for row in analyse(document([table(income)]))["figures"] if row["period"] == "FY2019"}
    assert (rows["revenue"]["value"], rows["revenue"]["label"]) == (1000 * MILLION, "Total Revenue:")


def test_costs_without_a_proved_sum_are_no_cost_of_sales() -> None:
    parts = INCOME.replace("Cost of sales | 600 | 500", "Cost of services | 400 | 300\nCost of equipment | 200 | 200")
    proved = figures(analyse(document([table(parts)])))
    assert proved["cost_of_goods_sold", "FY2019"] == 600 * MILLION
    unproved = figures(analyse(document([table(parts.replace("Gross profit | 400 | 300\n", ""))])))
    assert ("cost_of_goods_sold", "FY2019") not in unproved


def test_assets_and_liabilities_side_by_side() -> None:
    text = """
ATTIVO | 2021 | 2020 | PASSIVO | 2021 | 2020
B) Immobilizzazioni | | | A) Patrimonio netto | |
Totale immobilizzazioni materiali | 500.000 | 520.000 | Capitale | 100.000 | 100.000
Totale immobilizzazioni (B) | 500.000 | 520.000 | Utile dell'esercizio | 20.000 | 10.000
C) Attivo circolante | | | Totale patrimonio netto | 120.000 | 110.000
Totale rimanenze | 50.000 | 40.000 | D) Debiti | |
Totale disponibilità liquide | 30.000 | 20.000 | Debiti verso fornitori | 200.000 | 210.000
Totale attivo circolante (C) | 80.000 | 60.000 | Totale debiti | 460.000 | 470.000
Totale attivo | 580.000 | 580.000 | Totale passivo | 580.000 | 580.000
"""
    title = Element("title", "Stato patrimoniale al 31 dicembre 2021", 1, level=1)
    found = figures(analyse(document([title, table(text)], "it")))
    assert found["shareholders_equity", "FY2021"] == 120_000 and found["current_assets", "FY2020"] == 60_000
    assert found["accounts_payable", "FY2021"] == 200_000 and found["total_liabilities", "FY2020"] == 470_000


def test_heads_that_only_say_current_and_previous_year() -> None:
    income = CIVIL_INCOME.replace(
        " | 31-12-2019 | 31-12-2018", "Conto economico | Esercizio corrente | Esercizio precedente"
    )
    title = Element("title", "Bilancio al 31/12/2019", 1, level=1)
    assert figures(analyse(document([title, table(income)], "it")))["net_income", "FY2018"] == 44_000
    assert figures(analyse(document([table(income)], "it"))) == {}  # without a date there is no year to name


def test_parts_and_totals_in_columns_side_by_side() -> None:
    rows = ["| 31/12/2019 | 31/12/2019 | 31/12/2018 | 31/12/2018", " | Parziali | Totali | Parziali | Totali"]
    for line in CIVIL_INCOME.strip("\n").split("\n")[1:]:
        label, now, before = (cell.strip() for cell in line.split("|"))
        whole = label.startswith(("Totale", "Differenza", "Risultato", "21)"))
        rows.append(f"{label} | | {now} | | {before}" if whole else f"{label} | {now} | | {before} |")
    found = figures(analyse(document([table("\n".join(rows))], "it")))
    assert found["net_income", "FY2019"] == 50_000 and found["revenue", "FY2018"] == 280_000


def test_statements_in_lines_of_text_are_read_too() -> None:
    lines = [" ".join(cell.strip() for cell in row.split("|")) for row in BALANCE.strip("\n").split("\n")]
    result = analyse(document([Element("text", "\n".join(lines), 1)]))
    assert figures(result)["accounts_receivable", "FY2019"] == 200 * MILLION
    assert figures(result)["total_assets", "FY2018"] == 760 * MILLION


PROSE = Element("text", "Our garden tools by region in the coming season of spring and summer", 1)


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        ([], "no text"),
        ([Element("text", "The board met in Rome and approved the minutes of the last meeting.", 1)], "no tables"),
        ([PROSE, table("Tool | Price\nRake | 12\nSpade | 15")], "no financial statement"),
        ([PROSE, table("Region | 2019 | 2018\nNorth sales | 12 | 13\nSouth sales | 15 | 16")], "None of the 1 tables"),
    ],
)
def test_what_cannot_be_read_has_a_reason_and_no_figure(elements: list[Element], words: str) -> None:
    result = analyse(document(elements))
    assert result["figures"] == [] and result["metrics"] == []
    assert any(words in reason for reason in result["reasons"])


def test_different_scales_are_told() -> None:
    elements = [table(INCOME, 1), table(BALANCE.replace("(In millions)", "(In thousands)"), 2)]
    result = analyse(document(elements))
    assert any("different units" in reason for reason in result["reasons"])
    assert figures(result)["total_assets", "FY2019"] == 850_000


FACTS = (
    ("concept", "period", "unit", "decimals", "value", "dimensions"),
    ("itcc-ci:TotaleAttivo", "2019-12-31", "EUR", "0", "3000000", ""),
    ("itcc-ci:TotaleAttivo", "2018-12-31", "EUR", "0", "3000000", ""),
    ("itcc-ci:ValoreProduzioneRicaviVenditePrestazioni", "2019-01-01/2019-12-31", "EUR", "0", "301999", ""),
    ("itcc-ci:ValoreProduzioneRicaviVenditePrestazioni", "2019-01-01/2019-12-31", "EUR", "0", "7", "part=segment"),
    ("itcc-ci:DebitiDebitiVersoBancheEsigibiliEntroEsercizioSuccessivo", "2019-12-31", "EUR", "0", "390000", ""),
    (
        "itcc-ci:DebitiDebitiVersoAltriFinanziatoriEsigibiliEntroEsercizioSuccessivo",
        "2019-12-31",
        "EUR",
        "0",
        "10000",
        "",
    ),
    ("itcc-ci:DatiAnagraficiSede", "2019-12-31", "", "", "ROMA", ""),
)


def test_facts_alone_are_figures() -> None:
    result = analyse(document([Element("table", "", 1, rows=FACTS, section="XBRL facts")], "it"))
    assert figures(result) == {
        ("total_assets", "FY2019"): 3_000_000,
        ("total_assets", "FY2018"): 3_000_000,
        ("revenue", "FY2019"): 301_999,
        ("short_term_debt", "FY2019"): 400_000,
    }
    assert result["reasons"] == [] and result["currency"] == "EUR"


def test_facts_of_an_attachment_win_over_print_and_the_difference_is_told() -> None:
    instance = document(
        [Element("table", "", 1, rows=FACTS, section="XBRL facts")], "it", "/in/report.pdf!/report.xbrl"
    )
    printed = document([table(CIVIL_ASSETS, 2), table(CIVIL_LIABILITIES, 3), table(CIVIL_INCOME, 4)], "it")
    result = analyse(printed, [instance])
    rows = {(row["item"], row["period"]): row for row in result["figures"]}
    assert rows["revenue", "FY2019"]["value"] == 301_999 and rows["revenue", "FY2019"]["source"] == "xbrl"
    assert rows["total_assets", "FY2019"]["label"] == "Totale attivo" and rows["total_assets", "FY2019"]["page"] == 2
    assert rows["personnel_cost", "FY2019"]["source"] == "text"
    assert [row["item"] for row in result["conflicts"]] == ["revenue"]


def test_figures_do_not_depend_on_the_path() -> None:
    first = document([table(INCOME)])
    assert analyse(first)["figures"] == analyse(replace(first, path="/elsewhere/x.pdf"))["figures"]
