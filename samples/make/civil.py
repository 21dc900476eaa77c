"""Italian civil-code statements: arts. 2424, 2425 and 2425-ter in full, art. 2435-bis abbreviated, consolidated."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from samples.make.ledger import Year, flows
from samples.make.statement import Line, Statement, Style

WITHIN, BEYOND = "esigibili entro l'esercizio successivo", "esigibili oltre l'esercizio successivo"


def _columns(years: tuple[Year, ...], sep: str = "/") -> tuple[str, ...]:
    return tuple(f"31{sep}12{sep}{year.year}" for year in reversed(years))


class Book:
    """Collects lines over the shown years, newest first."""

    def __init__(self, years: tuple[Year, ...]) -> None:
        self.years = tuple(reversed(years))
        self.lines: list[Line] = []

    def head(self, label: str, level: int = 0) -> None:
        self.lines.append(Line(label, level=level, style="head"))

    def row(self, label: str, level: int, *fields: str, style: Style = "plain", item: str = "", tag: str = "") -> None:
        """A row that sums fields of Year; a field that starts with "-" is taken away."""
        values = tuple(
            sum(-getattr(year, name[1:]) if name.startswith("-") else getattr(year, name) for name in fields)
            for year in self.years
        )
        self.lines.append(Line(label, values, level, style, item, tag=tag))


def assets(years: tuple[Year, ...], consolidated: bool = False) -> list[Line]:
    book = Book(years)
    head, row = book.head, book.row
    head("Attivo")
    row("A) Crediti verso soci per versamenti ancora dovuti", 0)
    head("B) Immobilizzazioni")
    head("I - Immobilizzazioni immateriali", 1)
    row("1) costi di impianto e di ampliamento", 2)
    row("2) costi di sviluppo", 2, "development")
    row("4) concessioni, licenze, marchi e diritti simili", 2, "licences")
    row("5) avviamento", 2, "goodwill", item="goodwill")
    row("Totale immobilizzazioni immateriali", 1, "intangible", style="sum", item="intangible_assets")
    head("II - Immobilizzazioni materiali", 1)
    row("1) terreni e fabbricati", 2, "land")
    row("2) impianti e macchinario", 2, "plant")
    row("3) attrezzature industriali e commerciali", 2, "equipment")
    row("Totale immobilizzazioni materiali", 1, "tangible", style="sum", item="property_plant_equipment")
    head("III - Immobilizzazioni finanziarie", 1)
    head("1) partecipazioni in", 2)
    row("b) imprese collegate" if consolidated else "a) imprese controllate", 3, "holdings")
    row("Totale partecipazioni", 2, "holdings", style="sum")
    row("Totale immobilizzazioni finanziarie", 1, "holdings", style="sum")
    row("Totale immobilizzazioni (B)", 0, "fixed", style="sum")
    head("C) Attivo circolante")
    head("I - Rimanenze", 1)
    row("1) materie prime, sussidiarie e di consumo", 2, "raw")
    row("4) prodotti finiti e merci", 2, "finished")
    row("Totale rimanenze", 1, "inventory", style="sum", item="inventory")
    head("II - Crediti", 1)
    head("1) verso clienti", 2)
    row(WITHIN, 3, "trade_receivables")
    row("Totale crediti verso clienti", 2, "trade_receivables", style="sum", item="accounts_receivable")
    head("5-bis) crediti tributari", 2)
    row(WITHIN, 3, "tax_receivables")
    row("Totale crediti tributari", 2, "tax_receivables", style="sum")
    head("5-quater) verso altri", 2)
    row(WITHIN, 3, "other_receivables")
    row("Totale crediti verso altri", 2, "other_receivables", style="sum")
    row("Totale crediti", 1, "receivables", style="sum")
    head("IV - Disponibilità liquide", 1)
    book.lines += _cash(book.years)
    row("Totale disponibilità liquide", 1, "cash", style="sum", item="cash_and_equivalents")
    row("Totale attivo circolante (C)", 0, "current_assets", style="sum", item="current_assets")
    row("D) Ratei e risconti", 0, "prepaid")
    row("Totale attivo", 0, "assets", style="total", item="total_assets")
    return book.lines


def _cash(years: tuple[Year, ...]) -> list[Line]:
    till = tuple(year.cash // 900 for year in years)
    banks = tuple(year.cash - small for year, small in zip(years, till, strict=True))
    return [Line("1) depositi bancari e postali", banks, 2), Line("3) danaro e valori in cassa", till, 2)]


def liabilities(years: tuple[Year, ...], consolidated: bool = False) -> list[Line]:
    book = Book(years)
    head, row = book.head, book.row
    head("Passivo")
    head("A) Patrimonio netto di gruppo" if consolidated else "A) Patrimonio netto")
    row("I - Capitale", 1, "capital")
    row("IV - Riserva legale", 1, "legal_reserve")
    row("VI - Altre riserve, distintamente indicate", 1, "reserves")
    row("VIII - Utili (perdite) portati a nuovo", 1)
    row("IX - Utile (perdita) dell'esercizio", 1, "group_result")
    whole = "Totale patrimonio netto di gruppo" if consolidated else "Totale patrimonio netto"
    row(whole, 0, "equity", style="sum", item="shareholders_equity")
    if consolidated:
        head("Patrimonio netto di terzi")
        row("Capitale e riserve di terzi", 1, "minorities")
        row("Utile (perdita) di terzi", 1, "minority_result")
        row("Totale patrimonio netto di terzi", 0, "minorities", "minority_result", style="sum")
        row("Totale patrimonio netto consolidato", 0, "equity", "minorities", "minority_result", style="sum")
    head("B) Fondi per rischi e oneri")
    row("4) altri", 1, "funds")
    row("Totale fondi per rischi ed oneri (B)", 0, "funds", style="sum")
    row("C) Trattamento di fine rapporto di lavoro subordinato", 0, "severance_fund")
    head("D) Debiti")
    head("4) debiti verso banche", 1)
    row(WITHIN, 2, "banks_short")
    row(BEYOND, 2, "banks_long")
    row("Totale debiti verso banche", 1, "banks_short", "banks_long", style="sum")
    for label, total, field, item in (
        ("7) debiti verso fornitori", "Totale debiti verso fornitori", "trade_payables", "accounts_payable"),
        ("12) debiti tributari", "Totale debiti tributari", "tax_payables", ""),
        (
            "13) debiti verso istituti di previdenza e di sicurezza sociale",
            "Totale debiti verso istituti di previdenza e di sicurezza sociale",
            "social_payables",
            "",
        ),
        ("14) altri debiti", "Totale altri debiti", "other_payables", ""),
    ):
        head(label, 1)
        row(WITHIN, 2, field)
        row(total, 1, field, style="sum", item=item)
    row("Totale debiti (D)", 0, "debts", style="sum")
    row("E) Ratei e risconti", 0, "accrued")
    row("Totale passivo", 0, "liabilities", "equity", "minorities", "minority_result", style="total")
    return book.lines


def income(years: tuple[Year, ...], consolidated: bool = False, cash_flow: bool = True) -> list[Line]:
    book = Book(years)
    head, row = book.head, book.row
    head("A) Valore della produzione")
    row("1) ricavi delle vendite e delle prestazioni", 1, "revenue", item="revenue")
    row("2) variazioni delle rimanenze di prodotti in corso di lavorazione, semilavorati e finiti", 1, "product_change")
    head("5) altri ricavi e proventi", 1)
    row("altri", 2, "other_income")
    row("Totale altri ricavi e proventi", 1, "other_income", style="sum")
    row("Totale valore della produzione (A)", 0, "value", style="sum", item="value_of_production")
    head("B) Costi della produzione")
    row("6) per materie prime, sussidiarie, di consumo e di merci", 1, "materials")
    row("7) per servizi", 1, "services")
    row("8) per godimento di beni di terzi", 1, "rents")
    head("9) per il personale", 1)
    row("a) salari e stipendi", 2, "wages")
    row("b) oneri sociali", 2, "social")
    row("c) trattamento di fine rapporto", 2, "severance")
    row("e) altri costi", 2, "staff_other")
    row("Totale costi per il personale", 1, "personnel", style="sum", item="personnel_cost")
    head("10) ammortamenti e svalutazioni", 1)
    row("a) ammortamento delle immobilizzazioni immateriali", 2, "amortisation")
    row("b) ammortamento delle immobilizzazioni materiali", 2, "depreciation")
    row("d) svalutazioni dei crediti compresi nell'attivo circolante e delle disponibilità liquide", 2, "writedown")
    b10 = "" if cash_flow else "depreciation_amortization"
    row("Totale ammortamenti e svalutazioni", 1, "depreciations", "writedown", style="sum", item=b10)
    row("11) variazioni delle rimanenze di materie prime, sussidiarie, di consumo e merci", 1, "material_change")
    row("12) accantonamenti per rischi", 1, "provisions")
    row("14) oneri diversi di gestione", 1, "other_costs")
    row("Totale costi della produzione (B)", 0, "costs", style="sum")
    row("Differenza tra valore e costi della produzione (A - B)", 0, "ebit", style="sum", item="operating_income")
    _financial(book)
    row("Risultato prima delle imposte (A - B +- C +- D)", 0, "pretax", style="sum", item="pretax_income")
    head("20) imposte sul reddito dell'esercizio, correnti, differite e anticipate", 0)
    row("imposte correnti", 1, "tax_current")
    row("imposte differite e anticipate", 1, "tax_deferred")
    row(
        "Totale delle imposte sul reddito dell'esercizio, correnti, differite e anticipate",
        0,
        "tax",
        style="sum",
        item="income_tax",
    )
    if consolidated:
        row("21) Utile (perdita) consolidati dell'esercizio", 0, "result", style="sum")
        row("Risultato di pertinenza di terzi", 1, "minority_result")
        row("Risultato di pertinenza del gruppo", 0, "group_result", style="total", item="net_income")
    else:
        row("21) Utile (perdita) dell'esercizio", 0, "result", style="total", item="net_income")
    return book.lines


def _financial(book: Book) -> None:
    head, row = book.head, book.row
    head("C) Proventi e oneri finanziari")
    head("16) altri proventi finanziari", 1)
    head("d) proventi diversi dai precedenti", 2)
    row("altri", 3, "financial_income")
    row("Totale altri proventi finanziari", 1, "financial_income", style="sum")
    head("17) interessi e altri oneri finanziari", 1)
    row("altri", 2, "interest")
    row("Totale interessi e altri oneri finanziari", 1, "interest", style="sum", item="interest_expense")
    row("Totale proventi e oneri finanziari (C) (15 + 16 - 17 +- 17-bis)", 0, "financial", style="sum")
    head("D) Rettifiche di valore di attività e passività finanziarie")
    row("Totale delle rettifiche di valore di attività e passività finanziarie (18 - 19)", 0, style="sum")


def cash_flow(years: tuple[Year, ...]) -> list[Line]:
    """Rendiconto finanziario, metodo indiretto (OIC 10); `years` has the opening year first."""
    shown = tuple(reversed(years[1:]))
    moved = tuple(flows(before, now) for before, now in pairwise(years))[::-1]

    def own(label: str, level: int, *names: str, item: str = "", flip: bool = False) -> Line:
        values = tuple(sum(-getattr(y, n[1:]) if n[0] == "-" else getattr(y, n) for n in names) for y in shown)
        return Line(label, values, level, item=item, flip=flip)

    def flow(label: str, level: int, *names: str, style: Style = "plain", item: str = "") -> Line:
        return Line(label, tuple(sum(getattr(f, n) for n in names) for f in moved), level, style, item)

    working = ("inventory", "customers", "suppliers", "prepaid", "accrued", "other")
    return [
        Line("A) Flussi finanziari derivanti dall'attività operativa (metodo indiretto)", style="head"),
        own("Utile (perdita) dell'esercizio", 1, "result"),
        own("Imposte sul reddito", 1, "tax"),
        own("Interessi passivi/(attivi)", 1, "-financial"),
        Line(
            "1) Utile (perdita) dell'esercizio prima d'imposte sul reddito e interessi",
            tuple(y.ebit for y in shown),
            1,
            "sum",
        ),
        Line("Rettifiche per elementi non monetari", level=1, style="head"),
        own("Accantonamenti ai fondi", 2, "severance", "provisions"),
        own("Ammortamenti delle immobilizzazioni", 2, "depreciations", item="depreciation_amortization"),
        own("Svalutazioni dei crediti", 2, "writedown"),
        flow(
            "2) Flusso finanziario prima delle variazioni del capitale circolante netto",
            1,
            "before_capital",
            style="sum",
        ),
        Line("Variazioni del capitale circolante netto", level=1, style="head"),
        flow("Decremento/(Incremento) delle rimanenze", 2, "inventory"),
        flow("Decremento/(Incremento) dei crediti verso clienti", 2, "customers"),
        flow("Incremento/(Decremento) dei debiti verso fornitori", 2, "suppliers"),
        flow("Decremento/(Incremento) dei ratei e risconti attivi", 2, "prepaid"),
        flow("Incremento/(Decremento) dei ratei e risconti passivi", 2, "accrued"),
        flow("Altri decrementi/(Altri incrementi) del capitale circolante netto", 2, "other"),
        flow(
            "3) Flusso finanziario dopo le variazioni del capitale circolante netto",
            1,
            "before_capital",
            *working,
            style="sum",
        ),
        Line("Altre rettifiche", level=1, style="head"),
        flow("Interessi incassati/(pagati)", 2, "interest"),
        flow("(Imposte sul reddito pagate)", 2, "taxes"),
        flow("(Utilizzo dei fondi)", 2, "funds_used"),
        flow("Flusso finanziario dell'attività operativa (A)", 0, "operating", style="sum", item="operating_cash_flow"),
        Line("B) Flussi finanziari derivanti dall'attività d'investimento", style="head"),
        Line("Immobilizzazioni materiali", level=1, style="head"),
        own("(Investimenti)", 2, "-capex", item="capital_expenditure", flip=True),
        own("Disinvestimenti", 2, "disposals"),
        Line("Immobilizzazioni immateriali", level=1, style="head"),
        own("(Investimenti)", 2, "-intangible_capex"),
        flow("Flusso finanziario dell'attività di investimento (B)", 0, "investing", style="sum"),
        Line("C) Flussi finanziari derivanti dall'attività di finanziamento", style="head"),
        Line("Mezzi di terzi", level=1, style="head"),
        own("Incremento/(Decremento) debiti a breve verso banche", 2, "short_change"),
        own("Accensione finanziamenti", 2, "new_loans"),
        own("(Rimborso finanziamenti)", 2, "-repaid"),
        Line("Mezzi propri", level=1, style="head"),
        own("(Dividendi e acconti su dividendi pagati)", 2, "-dividends", item="dividends_paid", flip=True),
        flow("Flusso finanziario dell'attività di finanziamento (C)", 0, "financing", style="sum"),
        flow("Incremento (decremento) delle disponibilità liquide (A ± B ± C)", 0, "net", style="sum"),
        Line("Disponibilità liquide a inizio esercizio", tuple(y.cash for y in reversed(years[:-1])), 0),
        own("Disponibilità liquide a fine esercizio", 0, "cash"),
    ]


def ordinary(years: tuple[Year, ...], consolidated: bool = False) -> tuple[Statement, ...]:
    """Stato patrimoniale, conto economico and rendiconto finanziario of the last two years, in euro."""
    shown, suffix = years[1:], " consolidato" if consolidated else ""
    columns, labels = _columns(shown), tuple(year.year for year in reversed(shown))
    balance = [*assets(shown, consolidated), *liabilities(shown, consolidated)]
    profit = tuple(income(shown, consolidated))
    return (
        Statement(f"Stato patrimoniale{suffix}", "balance", columns, labels, tuple(balance)),
        Statement(f"Conto economico{suffix}", "income", columns, labels, profit),
        Statement(f"Rendiconto finanziario{suffix}", "cash_flow", columns, labels, tuple(cash_flow(years))),
    )


def short_assets(years: tuple[Year, ...]) -> list[Line]:
    book = Book(years)
    head, row = book.head, book.row
    head("Attivo")
    head("B) Immobilizzazioni")
    row(
        "I - Immobilizzazioni immateriali",
        1,
        "intangible",
        item="intangible_assets",
        tag="TotaleImmobilizzazioniImmateriali",
    )
    row(
        "II - Immobilizzazioni materiali",
        1,
        "tangible",
        item="property_plant_equipment",
        tag="TotaleImmobilizzazioniMateriali",
    )
    row("III - Immobilizzazioni finanziarie", 1, "holdings", tag="TotaleImmobilizzazioniFinanziarie")
    row("Totale immobilizzazioni (B)", 0, "fixed", style="sum", tag="TotaleImmobilizzazioni")
    head("C) Attivo circolante")
    row("I - Rimanenze", 1, "inventory", item="inventory", tag="TotaleRimanenze")
    head("II - Crediti", 1)
    row(WITHIN, 2, "receivables", tag="CreditiEsigibiliEntroEsercizioSuccessivo")
    row("Totale crediti", 1, "receivables", style="sum", tag="TotaleCrediti")
    row("IV - Disponibilità liquide", 1, "cash", item="cash_and_equivalents", tag="TotaleDisponibilitaLiquide")
    row(
        "Totale attivo circolante (C)",
        0,
        "current_assets",
        style="sum",
        item="current_assets",
        tag="TotaleAttivoCircolante",
    )
    row("D) Ratei e risconti", 0, "prepaid", tag="AttivoRateiRisconti")
    row("Totale attivo", 0, "assets", style="total", item="total_assets", tag="TotaleAttivo")
    return book.lines


def short_liabilities(years: tuple[Year, ...]) -> list[Line]:
    book = Book(years)
    head, row = book.head, book.row
    head("Passivo")
    head("A) Patrimonio netto")
    row("I - Capitale", 1, "capital", tag="PatrimonioNettoCapitale")
    row("IV - Riserva legale", 1, "legal_reserve", tag="PatrimonioNettoRiservaLegale")
    row("VI - Altre riserve", 1, "reserves", tag="PatrimonioNettoAltreRiserveDistintamenteIndicateTotaleAltreRiserve")
    row("IX - Utile (perdita) dell'esercizio", 1, "result", tag="PatrimonioNettoUtilePerditaEsercizio")
    row("Totale patrimonio netto", 0, "equity", style="sum", item="shareholders_equity", tag="TotalePatrimonioNetto")
    row("B) Fondi per rischi e oneri", 0, "funds", tag="TotaleFondiRischiOneri")
    row(
        "C) Trattamento di fine rapporto di lavoro subordinato",
        0,
        "severance_fund",
        tag="TrattamentoFineRapportoLavoroSubordinato",
    )
    head("D) Debiti")
    row(WITHIN, 1, "debts_short", tag="DebitiEsigibiliEntroEsercizioSuccessivo")
    row(BEYOND, 1, "banks_long", tag="DebitiEsigibiliOltreEsercizioSuccessivo")
    row("Totale debiti", 0, "debts", style="sum", tag="TotaleDebiti")
    row("E) Ratei e risconti", 0, "accrued", tag="PassivoRateiRisconti")
    row("Totale passivo", 0, "liabilities", "equity", style="total", tag="TotalePassivo")
    return book.lines


SHORT_TAGS = {
    "1) ricavi delle vendite e delle prestazioni": "ValoreProduzioneRicaviVenditePrestazioni",
    "Totale valore della produzione (A)": "TotaleValoreProduzione",
    "6) per materie prime, sussidiarie, di consumo e di merci": "CostiProduzioneMateriePrimeSussidiarieConsumoMerci",
    "7) per servizi": "CostiProduzioneServizi",
    "8) per godimento di beni di terzi": "CostiProduzioneGodimentoBeniTerzi",
    "a) salari e stipendi": "CostiProduzionePersonaleSalariStipendi",
    "b) oneri sociali": "CostiProduzionePersonaleOneriSociali",
    "Totale costi per il personale": "CostiProduzionePersonaleTotaleCostiPersonale",
    "Totale ammortamenti e svalutazioni": "CostiProduzioneAmmortamentiSvalutazioniTotaleAmmortamentiSvalutazioni",
    "14) oneri diversi di gestione": "CostiProduzioneOneriDiversiGestione",
    "Totale costi della produzione (B)": "TotaleCostiProduzione",
    "Differenza tra valore e costi della produzione (A - B)": "DifferenzaValoreCostiProduzione",
    "Totale interessi e altri oneri finanziari": "ProventiOneriFinanziariInteressiAltriOneriFinanziariTotaleInteressiAltriOneriFinanziari",
    "Totale proventi e oneri finanziari (C) (15 + 16 - 17 +- 17-bis)": "TotaleProventiOneriFinanziari",
    "Risultato prima delle imposte (A - B +- C +- D)": "RisultatoPrimaImposte",
    "Totale delle imposte sul reddito dell'esercizio, correnti, differite e anticipate": "ImposteRedditoEsercizioCorrentiDifferiteAnticipate"
    "TotaleImposteRedditoEsercizioCorrentiDifferiteAnticipate",
    "21) Utile (perdita) dell'esercizio": "UtilePerditaEsercizio",
}


def abbreviated(years: tuple[Year, ...]) -> tuple[Statement, ...]:
    """The layout of art. 2435-bis: no cash flow statement, balance sheet of capitals and roman numbers only."""
    shown = years[1:]
    columns, labels = _columns(shown, "-"), tuple(year.year for year in reversed(shown))
    balance = (*short_assets(shown), *short_liabilities(shown))
    profit = [replace(line, tag=SHORT_TAGS.get(line.label, "")) for line in income(shown, cash_flow=False)]
    return (
        Statement("Stato patrimoniale", "balance", columns, labels, balance),
        Statement("Conto economico", "income", columns, labels, tuple(profit)),
    )
