"""Consolidated IFRS statements of the listed group, in Italian, in thousands of euro."""

from __future__ import annotations

from itertools import pairwise

from samples.make.ledger import Year, flows
from samples.make.statement import Line, Statement, Style


def _rows(years: tuple[Year, ...], *rows: tuple[str, tuple[str, ...], Style, str]) -> tuple[Line, ...]:
    """Lines from (label, fields, style, item); a field with "-" is taken away and its item read without the sign."""
    lines = []
    for number, (label, fields, style, item) in enumerate(rows):
        shown = reversed(years)
        values = tuple(sum(-getattr(y, f[1:]) if f[0] == "-" else getattr(y, f) for f in fields) for y in shown)
        flip = bool(fields) and all(field[0] == "-" for field in fields) and bool(item)
        note = str(4 + number) if item and style == "plain" else ""
        lines.append(
            Line(label, values if style != "head" else (), 1 if style == "plain" else 0, style, item, flip, note=note)
        )
    return tuple(lines)


def income(years: tuple[Year, ...]) -> tuple[Line, ...]:
    return _rows(
        years,
        ("Ricavi", ("revenue",), "plain", "revenue"),
        ("Altri ricavi e proventi", ("other_income",), "plain", ""),
        ("Variazione delle rimanenze di prodotti finiti e in corso di lavorazione", ("product_change",), "plain", ""),
        ("Costi per materie prime, materiali di consumo e merci", ("-materials", "-material_change"), "plain", ""),
        ("Costi per servizi", ("-services", "-rents"), "plain", ""),
        ("Costi del personale", ("-wages", "-social", "-severance", "-staff_other"), "plain", "personnel_cost"),
        ("Altri costi operativi", ("-other_costs", "-provisions", "-writedown"), "plain", ""),
        ("Margine operativo lordo (EBITDA)", ("ebit", "depreciations"), "sum", ""),
        ("Ammortamenti", ("-depreciations",), "plain", ""),
        ("Risultato operativo (EBIT)", ("ebit",), "sum", "operating_income"),
        ("Proventi finanziari", ("financial_income",), "plain", ""),
        ("Oneri finanziari", ("-interest",), "plain", "interest_expense"),
        ("Risultato prima delle imposte", ("pretax",), "sum", "pretax_income"),
        ("Imposte sul reddito", ("-tax_current", "-tax_deferred"), "plain", "income_tax"),
        ("Risultato netto dell'esercizio", ("result",), "sum", ""),
        ("Attribuibile a:", (), "head", ""),
        ("Azionisti della Capogruppo", ("group_result",), "plain", "net_income"),
        ("Interessenze di pertinenza di terzi", ("minority_result",), "plain", ""),
    )


def balance(years: tuple[Year, ...]) -> tuple[Line, ...]:
    return _rows(
        years,
        ("ATTIVITÀ", (), "head", ""),
        ("Attività non correnti", (), "head", ""),
        ("Immobili, impianti e macchinari", ("tangible",), "plain", "property_plant_equipment"),
        ("Avviamento", ("goodwill",), "plain", "goodwill"),
        ("Attività immateriali a vita utile definita", ("development", "licences"), "plain", "intangible_assets"),
        ("Partecipazioni in imprese collegate", ("holdings",), "plain", ""),
        ("Totale attività non correnti", ("fixed",), "sum", ""),
        ("Attività correnti", (), "head", ""),
        ("Rimanenze", ("inventory",), "plain", "inventory"),
        ("Crediti commerciali", ("trade_receivables",), "plain", "accounts_receivable"),
        ("Crediti tributari", ("tax_receivables",), "plain", ""),
        ("Altre attività correnti", ("other_receivables", "prepaid"), "plain", ""),
        ("Disponibilità liquide e mezzi equivalenti", ("cash",), "plain", "cash_and_equivalents"),
        ("Totale attività correnti", ("current_assets", "prepaid"), "sum", "current_assets"),
        ("TOTALE ATTIVITÀ", ("assets",), "total", "total_assets"),
        ("PATRIMONIO NETTO E PASSIVITÀ", (), "head", ""),
        ("Patrimonio netto", (), "head", ""),
        ("Capitale sociale", ("capital",), "plain", ""),
        ("Riserve e utili a nuovo", ("legal_reserve", "reserves"), "plain", ""),
        ("Risultato dell'esercizio", ("group_result",), "plain", ""),
        ("Patrimonio netto di Gruppo", ("equity",), "sum", "shareholders_equity"),
        ("Patrimonio netto di terzi", ("minorities", "minority_result"), "plain", ""),
        ("Totale patrimonio netto", ("equity", "minorities", "minority_result"), "sum", ""),
        ("Passività non correnti", (), "head", ""),
        ("Finanziamenti a lungo termine", ("banks_long",), "plain", "long_term_debt"),
        ("Benefici ai dipendenti", ("severance_fund",), "plain", ""),
        ("Fondi per rischi e oneri", ("funds",), "plain", ""),
        ("Totale passività non correnti", ("banks_long", "severance_fund", "funds"), "sum", ""),
        ("Passività correnti", (), "head", ""),
        ("Finanziamenti a breve termine", ("banks_short",), "plain", "short_term_debt"),
        ("Debiti commerciali", ("trade_payables",), "plain", "accounts_payable"),
        ("Debiti tributari", ("tax_payables",), "plain", ""),
        ("Altre passività correnti", ("social_payables", "other_payables", "accrued"), "plain", ""),
        ("Totale passività correnti", ("debts_short", "accrued"), "sum", "current_liabilities"),
        ("TOTALE PASSIVITÀ", ("liabilities",), "sum", "total_liabilities"),
        ("TOTALE PATRIMONIO NETTO E PASSIVITÀ", ("assets",), "total", ""),
    )


def cash_flow(years: tuple[Year, ...]) -> tuple[Line, ...]:
    """`years` has the opening year first."""
    shown = years[1:]
    moves = tuple(flows(before, now) for before, now in pairwise(years))[::-1]

    def flow(label: str, *names: str, style: Style = "plain", item: str = "") -> Line:
        values = tuple(sum(getattr(move, name) for name in names) for move in moves)
        return Line(label, values, 0 if style == "sum" else 1, style, item)

    first = _rows(
        shown,
        ("Attività operativa", (), "head", ""),
        ("Risultato netto dell'esercizio", ("result",), "plain", ""),
        ("Imposte sul reddito", ("tax",), "plain", ""),
        ("Oneri/(proventi) finanziari netti", ("-financial",), "plain", ""),
        ("Ammortamenti", ("depreciations",), "plain", "depreciation_amortization"),
        ("Accantonamenti e svalutazioni", ("severance", "provisions", "writedown"), "plain", ""),
    )
    second = _rows(
        shown,
        ("Attività di investimento", (), "head", ""),
        ("Investimenti in immobili, impianti e macchinari", ("-capex",), "plain", "capital_expenditure"),
        ("Investimenti in attività immateriali", ("-intangible_capex",), "plain", ""),
        ("Incassi da cessione di cespiti", ("disposals",), "plain", ""),
    )
    third = _rows(
        shown,
        ("Attività di finanziamento", (), "head", ""),
        ("Accensione di finanziamenti", ("new_loans",), "plain", ""),
        ("Rimborso di finanziamenti", ("-repaid",), "plain", ""),
        ("Variazione dei finanziamenti a breve termine", ("short_change",), "plain", ""),
        ("Acquisto di azioni proprie", ("-buyback",), "plain", "share_repurchases"),
        ("Dividendi pagati", ("-dividends",), "plain", "dividends_paid"),
    )
    opening = tuple(year.cash for year in reversed(years[:-1]))
    closing = tuple(year.cash for year in reversed(shown))
    return (
        *first,
        flow("Variazione delle rimanenze", "inventory"),
        flow("Variazione dei crediti commerciali", "customers"),
        flow("Variazione dei debiti commerciali", "suppliers"),
        flow("Variazione delle altre attività e passività correnti", "prepaid", "accrued", "other"),
        flow("Interessi incassati/(pagati)", "interest"),
        flow("Imposte pagate", "taxes"),
        flow("Utilizzo dei fondi e benefici ai dipendenti", "funds_used"),
        flow(
            "Flusso di cassa netto generato dall'attività operativa",
            "operating",
            style="sum",
            item="operating_cash_flow",
        ),
        *second,
        flow("Flusso di cassa netto assorbito dall'attività di investimento", "investing", style="sum"),
        *third,
        flow("Flusso di cassa netto assorbito dall'attività di finanziamento", "financing", style="sum"),
        flow("Variazione netta delle disponibilità liquide e mezzi equivalenti", "net", style="sum"),
        Line("Disponibilità liquide e mezzi equivalenti all'inizio dell'esercizio", opening, 1),
        Line("Disponibilità liquide e mezzi equivalenti alla fine dell'esercizio", closing, 0, "total"),
    )


def consolidated(years: tuple[Year, ...]) -> tuple[Statement, ...]:
    """Conto economico, situazione patrimoniale-finanziaria and rendiconto finanziario of the last two years."""
    shown = years[1:]
    labels = tuple(year.year for year in reversed(shown))
    ends, spans = tuple(f"31 dicembre {year}" for year in labels), tuple(f"Esercizio {year}" for year in labels)
    caption = "(in migliaia di euro)"
    return (
        Statement("Conto economico consolidato", "income", spans, labels, income(shown), 1000, caption),
        Statement(
            "Situazione patrimoniale-finanziaria consolidata", "balance", ends, labels, balance(shown), 1000, caption
        ),
        Statement("Rendiconto finanziario consolidato", "cash_flow", spans, labels, cash_flow(years), 1000, caption),
    )
