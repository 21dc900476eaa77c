"""The Italian accounts as PDF: ordinary with nota integrativa and relazione, abbreviated, consolidated, IFRS."""

from __future__ import annotations

from pathlib import Path

from samples.make import civil, firms, ifrs
from samples.make.firms import AURENGA, MONTESCARO, TREBBIO, Firm
from samples.make.ledger import Year
from samples.make.paper import Paper
from samples.make.statement import italian


def percent(now: float, before: float) -> str:
    """The change in Italian: `in aumento del 3,1%`."""
    change = (now / before - 1) * 100
    return f"{'in aumento' if change >= 0 else 'in calo'} del {abs(change):.1f}%".replace(".", ",")


def anagraphic(firm: Firm) -> list[list[str]]:
    return [
        ["Dati anagrafici", ""],
        ["Sede in", firm.seat],
        ["Codice Fiscale", firm.vat],
        ["Numero Rea", firm.rea],
        ["P.I.", firm.vat],
        ["Capitale Sociale Euro", f"{firm.capital} i.v."],
        ["Settore di attività prevalente (ATECO)", firm.ateco],
        ["Società in liquidazione", "no"],
        ["Società con socio unico", "no"],
    ]


def parent_accounts(path: Path) -> None:
    years = firms.parent()
    paper = Paper("Bilancio d'esercizio al 31 dicembre 2024", MONTESCARO.name)
    paper.cover(
        "Tessitura Montescaro S.p.A.",
        "Bilancio d'esercizio al 31 dicembre 2024",
        f"Sede legale: {MONTESCARO.seat}",
        f"Capitale sociale € {MONTESCARO.capital} interamente versato",
        f"Codice fiscale e partita IVA {MONTESCARO.vat} · {MONTESCARO.rea}",
    )
    _management_report(paper, years)
    balance, profit, cash = civil.ordinary(years)
    for statement in (balance, profit, cash):
        paper.page()
        paper.statement(statement)
    paper.small(
        "Gli importi sono espressi in unità di euro. Il presente bilancio corrisponde alle scritture contabili."
    )
    paper.page()
    _notes(paper, years)
    paper.save(path, "Tessitura Montescaro S.p.A.", "Bilancio d'esercizio al 31 dicembre 2024")


def _management_report(paper: Paper, years: tuple[Year, ...]) -> None:
    now, before = years[-1], years[-2]
    paper.heading("Relazione sulla gestione")
    paper.prose(
        "Signori Azionisti, l'esercizio chiuso al 31 dicembre 2024 è stato segnato dal rallentamento della domanda di "
        "tessuti per abbigliamento formale in Europa, che la Società ha fronteggiato spostando capacità produttiva sui "
        "tessuti tecnici e sulle lane rigenerate.",
        f"I ricavi delle vendite ammontano a {italian(now.revenue)} euro, {percent(now.revenue, before.revenue)} "
        f"rispetto al 2023. La differenza tra valore e costi della produzione è pari a {italian(now.ebit)} euro "
        f"(nel 2023 {italian(before.ebit)} euro); l'utile d'esercizio è di {italian(now.result)} euro.",
    )
    paper.heading("Andamento della gestione e mercati", 2)
    paper.prose(
        "Il mercato interno ha assorbito il 38% delle vendite, l'area euro il 41%, l'Asia orientale il 14% e il Nord "
        "America il 7%. Il portafoglio ordini a fine anno copre circa quattro mesi di produzione. La linea Lanaviva, "
        "realizzata con il 70% di fibre rigenerate, ha raggiunto l'11% dei volumi.",
        "Il costo del gas naturale è sceso rispetto al biennio precedente, mentre il prezzo delle lane merino "
        "superfini è rimasto stabile. La Società copre il 60% del fabbisogno elettrico con l'impianto fotovoltaico "
        "da 1,8 MW entrato in esercizio nel 2023.",
    )
    paper.heading("Investimenti", 2)
    paper.prose(
        f"Gli investimenti in immobilizzazioni materiali sono stati pari a {italian(now.capex)} euro e riguardano "
        "soprattutto dodici telai a getto d'aria e il nuovo impianto di depurazione delle acque di tintoria, che "
        "riduce del 35% il prelievo idrico dal torrente Scaro.",
    )
    paper.heading("Principali rischi e incertezze", 2)
    paper.prose(
        "Rischio di credito: il 72% dei crediti commerciali è assicurato; i tempi medi di incasso sono di circa "
        f"{round(365 * now.trade_receivables / now.revenue)} giorni. Rischio di cambio: le vendite in dollari sono "
        "coperte con contratti a termine per l'80% degli ordini acquisiti. Rischio di tasso: il 55% dei mutui è a "
        "tasso fisso. Rischio di fornitura: nessun fornitore supera il 9% degli acquisti.",
    )
    paper.heading("Fatti di rilievo dopo la chiusura ed evoluzione prevedibile della gestione", 2)
    paper.prose(
        "Nel febbraio 2025 è stato sottoscritto un accordo triennale con un produttore di sedute per treni, per la "
        "fornitura di tessuti ignifughi. Per il 2025 gli amministratori si attendono ricavi in lieve crescita e una "
        "marginalità in linea con il 2024.",
    )


def _notes(paper: Paper, years: tuple[Year, ...]) -> None:
    now, before = years[-1], years[-2]
    paper.heading("Nota integrativa al bilancio chiuso al 31 dicembre 2024")
    paper.heading("Criteri di valutazione", 2)
    paper.prose(
        "Il bilancio è redatto secondo gli articoli 2423 e seguenti del codice civile, interpretati e integrati dai "
        "principi contabili nazionali emanati dall'Organismo Italiano di Contabilità, nella prospettiva della "
        "continuità aziendale. Non si sono verificati casi eccezionali che richiedano deroghe.",
        "Le immobilizzazioni materiali sono iscritte al costo di acquisto e ammortizzate sistematicamente: fabbricati "
        "industriali 3%, impianti e macchinari 12,5%, attrezzature 25%. L'avviamento è ammortizzato in dodici anni e "
        "mezzo. Le rimanenze sono valutate al minore tra costo medio ponderato e valore di realizzazione.",
        "I crediti sono iscritti al presumibile valore di realizzo; il criterio del costo ammortizzato non è applicato "
        "perché gli effetti sono irrilevanti.",
    )
    paper.heading("Movimenti delle immobilizzazioni", 2)
    net = now.disposals
    paper.grid(
        [
            ["", "Immateriali", "Materiali", "Finanziarie", "Totale"],
            [
                "Valore di inizio esercizio",
                *map(italian, (before.intangible, before.tangible, before.holdings, before.fixed)),
            ],
            [
                "Incrementi per acquisizioni",
                *map(italian, (now.intangible_capex, now.capex, 0, now.intangible_capex + now.capex)),
            ],
            ["Decrementi per cessioni", *map(italian, (0, -net, 0, -net))],
            [
                "Ammortamento dell'esercizio",
                *map(italian, (-now.amortisation, -now.depreciation, 0, -now.depreciations)),
            ],
            ["Valore di fine esercizio", *map(italian, (now.intangible, now.tangible, now.holdings, now.fixed))],
        ],
        (52, 29, 29, 29, 29),
    )
    paper.heading("Patrimonio netto", 2)
    paper.prose(
        f"Il capitale sociale, di {italian(now.capital)} euro, è diviso in 6.000.000 di azioni da nominali 1 euro. "
        f"L'assemblea del 29 aprile 2024 ha destinato l'utile 2023 a dividendo per {italian(now.dividends)} euro e per "
        "il resto a riserve.",
    )
    paper.heading("Debiti verso banche", 2)
    paper.prose(
        f"I debiti verso banche ammontano a {italian(now.banks_short + now.banks_long)} euro, di cui "
        f"{italian(now.banks_long)} euro esigibili oltre l'esercizio successivo. Il mutuo ipotecario sullo "
        "stabilimento scade il 30 giugno 2033 ed è assistito da un covenant: posizione finanziaria netta su margine "
        "operativo lordo non superiore a 2,5.",
    )
    paper.heading("Numero medio dei dipendenti", 2)
    paper.grid(
        [
            ["Categoria", "2024", "2023"],
            ["Dirigenti", "4", "4"],
            ["Quadri e impiegati", "46", "48"],
            ["Operai", "131", "137"],
            ["Totale", "181", "189"],
        ],
        (60, 30, 30),
    )
    paper.heading("Compensi agli amministratori e ai sindaci", 2)
    paper.prose(
        "I compensi spettanti agli amministratori sono pari a 312.000 euro, quelli ai sindaci a 46.800 euro; "
        "il corrispettivo della revisione legale è di 31.500 euro."
    )
    paper.heading("Proposta di destinazione dell'utile", 2)
    paper.prose(
        f"Si propone di destinare l'utile d'esercizio di {italian(now.result)} euro per 1.200.000 euro agli azionisti, "
        "in ragione di 0,20 euro per azione, e per il resto alla riserva legale, nella misura "
        "del 5%, e alla riserva straordinaria.",
        "Montescaro, 28 marzo 2025. Il Presidente del consiglio di amministrazione, Ottavia Brancaleoni.",
    )


def group_accounts(path: Path) -> None:
    years = firms.group()
    now, before = years[-1], years[-2]
    paper = Paper("Bilancio consolidato al 31 dicembre 2024", MONTESCARO.name)
    paper.cover(
        "Gruppo Montescaro",
        "Bilancio consolidato al 31 dicembre 2024",
        "Capogruppo: Tessitura Montescaro S.p.A.",
        MONTESCARO.seat,
    )
    for statement in civil.ordinary(years, consolidated=True):
        paper.statement(statement)
        paper.page()
    paper.heading("Nota integrativa al bilancio consolidato")
    paper.heading("Area di consolidamento", 2)
    paper.prose(
        "Il bilancio consolidato comprende la Capogruppo e le controllate seguenti, consolidate con il metodo "
        "integrale secondo il D.Lgs. 127/1991:"
    )
    paper.grid(
        [
            ["Società", "Sede", "Capitale (euro)", "Quota"],
            ["Filatura Rialto S.r.l.", "Rialto Alto (BI)", "1.200.000", "100,0%"],
            ["Tintoria Scaro S.r.l.", "Montescaro (BI)", "800.000", "80,0%"],
            ["Montescaro France S.A.S.", "Villeneuve-les-Métiers", "450.000", "75,0%"],
        ],
        (55, 50, 35, 25),
    )
    paper.prose(
        f"I ricavi consolidati ammontano a {italian(now.revenue)} euro, {percent(now.revenue, before.revenue)}. "
        f"L'utile di pertinenza del gruppo è di {italian(now.group_result)} euro, quello di terzi di "
        f"{italian(now.minority_result)} euro.",
        "La differenza di consolidamento della Filatura Rialto, acquisita nel 2020, è iscritta tra le immobilizzazioni "
        "immateriali come avviamento. I saldi e le operazioni infragruppo sono stati eliminati.",
    )
    paper.save(path, "Gruppo Montescaro", "Bilancio consolidato al 31 dicembre 2024")


def mill_accounts(path: Path) -> None:
    """The abbreviated accounts, in the look of a file from the business register."""
    years = firms.mill()
    now = years[-1]
    paper = Paper("Bilancio abbreviato al 31-12-2024", TREBBIO.name, serif=False)
    paper.heading("FRANTOIO DEL TREBBIO S.R.L.")
    paper.heading("Bilancio di esercizio in forma abbreviata al 31-12-2024", 2)
    paper.grid(anagraphic(TREBBIO), (70, 100))
    paper.page()
    for statement in civil.abbreviated(years):
        paper.statement(statement)
        paper.page()
    paper.heading("Nota integrativa, parte iniziale", 2)
    paper.prose(
        "Il bilancio è redatto in forma abbreviata, ricorrendo i presupposti dell'articolo 2435-bis, primo comma, del "
        "codice civile; la società si avvale della facoltà di non redigere la relazione sulla gestione e il rendiconto "
        "finanziario.",
        "La campagna olearia 2024 ha reso 412 quintali di olio extravergine, con una resa media del 13,8%. La siccità "
        "di luglio e agosto ha ridotto la produzione propria di olive di un quinto; la differenza è stata acquistata "
        "da conferenti della provincia.",
    )
    paper.heading("Nota integrativa, attivo", 2)
    paper.prose(
        f"Le rimanenze, pari a {italian(now.inventory)} euro, comprendono olio sfuso in acciaio, bottiglie e "
        "materiale di confezionamento. Non esistono crediti di durata superiore a cinque anni."
    )
    paper.heading("Nota integrativa, altre informazioni", 2)
    paper.prose(
        "Ai sensi dell'art. 1, comma 125, della legge 124/2017 si segnala il contributo di 18.400 euro ricevuto dalla "
        "Regione per la sostituzione del separatore centrifugo.",
        f"L'organo amministrativo propone di destinare l'utile di {italian(now.result)} euro interamente a riserva "
        "straordinaria. Il numero medio dei dipendenti è 9.",
        "L'amministratore unico, Libero Cantagalli. Trebbio in Valle, 24 marzo 2025.",
    )
    paper.save(
        path,
        "v.2.14.1 · FRANTOIO DEL TREBBIO S.R.L.",
        "Bilancio di esercizio al 31-12-2024 · Conforme alla tassonomia itcc-ci-2018-11-04",
    )


def listed_accounts(path: Path) -> None:
    years = firms.listed()
    now, before = years[-1], years[-2]
    paper = Paper("Relazione finanziaria annuale 2024", AURENGA.name, serif=False)
    paper.cover(
        "Gruppo Aurenga", "Relazione finanziaria annuale consolidata al 31 dicembre 2024", AURENGA.name, AURENGA.seat
    )
    paper.heading("Relazione intermedia sull'andamento del Gruppo")
    paper.prose(
        "Il Gruppo Aurenga progetta e costruisce celle robotizzate, sistemi di visione e software di supervisione per "
        "linee di assemblaggio. I ricavi del 2024 sono stati pari a "
        f"{italian(now.revenue / 1000, 1)} milioni di euro, {percent(now.revenue, before.revenue)}; l'EBIT a "
        f"{italian(now.ebit / 1000, 1)} milioni, pari al {italian(100 * now.ebit / now.revenue, 1)}% dei ricavi.",
        "La raccolta ordini è cresciuta soprattutto nel settore medicale e nella produzione di batterie. "
        "Il portafoglio ordini al 31 dicembre 2024 ammonta a 318 milioni di euro.",
    )
    highlights = [["Dati di sintesi (milioni di euro)", "2024", "2023"]]
    for label, field in (
        ("Ricavi", "revenue"),
        ("EBIT", "ebit"),
        ("Risultato netto", "result"),
        ("Investimenti", "capex"),
    ):
        highlights.append([label, *(italian(getattr(year, field) / 1000, 1) for year in (now, before))])
    paper.grid(highlights, (80, 30, 30))
    for statement in ifrs.consolidated(years):
        paper.page()
        paper.statement(statement, notes=statement.kind != "cash_flow")
    paper.page()
    _listed_notes(paper, years)
    paper.save(path, "Gruppo Aurenga", "Relazione finanziaria annuale 2024")


def _listed_notes(paper: Paper, years: tuple[Year, ...]) -> None:
    now, before = years[-1], years[-2]
    paper.heading("Note esplicative")
    paper.heading("Informativa per settore operativo", 2)
    rows = [["Ricavi per settore (migliaia di euro)", "2024", "2023"]]
    parts = [[round(year.revenue * share) for share in (0.53, 0.29)] for year in (now, before)]
    for index, name in enumerate(("Celle robotizzate", "Sistemi di visione")):
        rows.append([name, *(italian(part[index]) for part in parts)])
    rest = [year.revenue - sum(part) for year, part in zip((now, before), parts, strict=True)]
    rows += [["Software e servizi", *map(italian, rest)], ["Totale", italian(now.revenue), italian(before.revenue)]]
    paper.grid(rows, (80, 30, 30))
    paper.heading("Avviamento e verifica di riduzione di valore", 2)
    paper.prose(
        f"L'avviamento, pari a {italian(now.goodwill)} migliaia di euro, è allocato all'unità generatrice di flussi "
        "Sistemi di visione. Il valore d'uso è stato stimato con un tasso di attualizzazione (WACC) dell'8,4% e un "
        "tasso di crescita perpetua dell'1,5%; ne risulta un'eccedenza di 47 milioni di euro e nessuna svalutazione.",
    )
    paper.heading("Posizione finanziaria netta", 2)
    debt = now.banks_short + now.banks_long
    paper.prose(
        f"L'indebitamento finanziario lordo è di {italian(debt)} migliaia di euro; al netto delle disponibilità "
        f"liquide di {italian(now.cash)} migliaia la posizione finanziaria netta è "
        f"{'positiva (cassa netta)' if now.cash > debt else 'negativa'} per {italian(abs(now.cash - debt))} migliaia.",
    )
    paper.heading("Operazioni con parti correlate", 2)
    paper.prose(
        "Le operazioni con parti correlate riguardano il canone di locazione dello stabilimento di Aurenga, di "
        "proprietà dell'azionista di riferimento, per 640 migliaia di euro, a condizioni di mercato.",
    )


def mill_folder(path: Path) -> None:
    """The abbreviated accounts with their XBRL instance inside the PDF, as the business register files them."""
    from pypdf import PdfReader, PdfWriter

    from samples.make.registers import instance

    mill_accounts(path)
    writer = PdfWriter(clone_from=PdfReader(path))
    writer.add_attachment("09999028880_2024.xbrl", instance())
    with path.open("wb") as stream:
        writer.write(stream)


FILES = {
    "montescaro-bilancio-2024.pdf": parent_accounts,
    "montescaro-consolidato-2024.pdf": group_accounts,
    "trebbio-bilancio-abbreviato-2024.pdf": mill_accounts,
    "trebbio-fascicolo-2024.pdf": mill_folder,
    "aurenga-relazione-finanziaria-2024.pdf": listed_accounts,
}
