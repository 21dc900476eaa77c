"""The words by which statements are known, English and Italian, as data: items, anchors, titles and look-alikes.

The wordings of the items stand in `items_income`, `items_balance` and `items_cash_flow`. Anchors are lines that only
one kind of statement has; they decide what a table is.
"""

from __future__ import annotations

import re

from tasks.analyse.statements.items_balance import BALANCE
from tasks.analyse.statements.items_cash_flow import CASH_FLOW
from tasks.analyse.statements.items_income import INCOME
from tasks.analyse.statements.rules import Rule, StatementKind

ITEMS: dict[StatementKind, dict[str, tuple[Rule, ...]]] = {
    "income_statement": INCOME,
    "balance_sheet": BALANCE,
    "cash_flow_statement": CASH_FLOW,
}

ANCHORS: dict[StatementKind, dict[str, re.Pattern[str]]] = {
    "income_statement": {
        "top": re.compile(
            r"^(?:total )?(?:net |operating )*(?:revenues?|sales)|^totale (?:ricavi|"
            r"valore della produzione)|^ricavi|^valore della produzione"
        ),
        "tax": re.compile(r"(?:provision|benefit).*tax|income tax|^taxes|^imposte|^totale (?:delle )?imposte"),
        "pretax": re.compile(r"before .*tax|(?:prima|ante|lordo) .*imposte|before provision"),
        "bottom": re.compile(
            r"^(?:consolidated )?net (?:income|earnings|loss|profit)|^(?:profit|loss) for the|"
            r"^(?:utile|perdita|risultato)(?: netto)? (?:d'|dell'|di |del |netto|consolidat)|"
            r"^(?:utile|risultato) netto"
        ),
        "per_share": re.compile(r"^(?:basic|diluted)|per (?:common )?share|per azione"),
        "operating": re.compile(
            r"^operating (?:income|profit|earnings|loss)|from operations$|^differenza (?:tra|"
            r"fra) valore|^(?:risultato|utile|reddito) operativo"
        ),
        "costs": re.compile(
            r"^costs? of|^selling|^totale costi della produzione|^costi? |^per (?:servizi|il personale|materie)"
        ),
    },
    "balance_sheet": {
        "total": re.compile(
            r"^total assets$|^totale (?:attivo|attivita)$|^totale (?:dell'|delle )(?:attivo|attivita)$"
        ),
        "both": re.compile(
            r"^(?:total )?liabilities (?:and|redeemable|temporary|mezzanine|non ?controlling|"
            r"commitments|convertible).*(?:equity|deficit|investment|capital)|"
            r"^total liabilities .*(?:equity|deficit)|^totale (?:del )?passivo|^totale (?:passivo|"
            r"passivita|patrimonio netto) e (?:patrimonio netto|passivita)|"
            r"^total equity and liabilities"
        ),
        "current": re.compile(
            r"^total current (?:assets|liabilities)$|^totale (?:attivo circolante|attivita correnti|"
            r"passivita correnti|attivo corrente|passivo corrente)|^attivo circolante$"
        ),
        "equity": re.compile(
            r"^total .*equity$|^retained earnings|^totale patrimonio netto|^patrimonio netto|"
            r"^utili portati a nuovo|^riserva legale|^utili perdite portati a nuovo"
        ),
        "items": re.compile(
            r"^(?:accounts payable|inventories|goodwill|long term debt|accounts receivable|"
            r"other assets|other liabilities)|^totale (?:debiti|rimanenze|immobilizzazioni|crediti)|"
            r"^(?:debiti|crediti|rimanenze|disponibilita liquide|ratei e risconti|immobilizzazioni)"
        ),
    },
    "cash_flow_statement": {
        "operating": re.compile(
            r"cash.*(?:operating activities|operations)|attivita operativa|gestione (?:operativa|reddituale)"
        ),
        "investing": re.compile(
            r"cash.*investing activities|attivita d[i']? ?investimento|attivita di investimento|"
            r"gestione di investimento"
        ),
        "financing": re.compile(r"cash.*financing activities|attivita (?:di )?finanziament|attivita finanziaria"),
        "change": re.compile(
            r"(?:increase|decrease|change).* cash|(?:incremento|decremento|"
            r"variazione).*(?:disponibilita|liquid|cassa)|flusso .*(?:netto|del periodo|complessivo)"
        ),
        "ends": re.compile(
            r"cash.*(?:beginning|end) of|disponibilita liquide (?:a|all)'? ?(?:inizio|fine)|"
            r"cash.*at (?:beginning|end)"
        ),
    },
}

ESSENTIAL: dict[StatementKind, tuple[frozenset[str], ...]] = {
    "income_statement": (
        frozenset({"top", "bottom", "tax"}),
        frozenset({"top", "bottom", "pretax"}),
        frozenset({"top", "bottom", "operating"}),
    ),
    "balance_sheet": (
        frozenset({"total", "both"}),
        frozenset({"total", "equity", "current"}),
        frozenset({"both", "equity", "items"}),
    ),
    "cash_flow_statement": (
        frozenset({"operating", "investing", "financing"}),
        frozenset({"operating", "investing", "change"}),
        frozenset({"operating", "financing", "change"}),
        frozenset({"operating", "change", "ends"}),
    ),
}
"""The sets of anchors of which a table must hold one to be taken for the statement."""

TITLES: dict[StatementKind, re.Pattern[str]] = {
    "income_statement": re.compile(
        r"statements? of (?:consolidated )?(?:income|operations|earnings|comprehensive income|"
        r"profit)|income statements?|(?:profit and loss|p&l) account|conto economico|"
        r"statements? of .*(?:income|earnings|operations)"
    ),
    "balance_sheet": re.compile(
        r"balance sheets?|statements? of (?:consolidated )?financial (?:position|condition)|"
        r"stato patrimoniale|situazione patrimoniale"
    ),
    "cash_flow_statement": re.compile(
        r"statements? of (?:consolidated )?cash ?flows?|cash ?flow statements?|rendiconto finanziario"
    ),
}

NOT_PRIMARY = re.compile(
    r"selected (?:consolidated )?(?:historical )?(?:financial|quarterly|operating)|"
    r"quarterly (?:financial|results|data|information)|unaudited quarterly|pro ?forma|"
    r"parent company (?:only|statements?|financial)|condensed financial information of|"
    r"schedule i\b"
    r"|condensed consolidating|consolidating (?:statement|balance)|consolidating financial|"
    r"guarantor|obligor|segment|non gaap|reconciliation|percent(?:age)? of (?:net )?(?:sales|"
    r"revenues?)|supplemental consolidating|five year|ten year|summary of|common size|"
    r"impact of (?:adoption|the adoption)"
    r"|dati di sintesi|riclassificat|prospetto di raccordo|pro quota|nota integrativa"
)
PARENT_ONLY = re.compile(
    r"parent company|societa controllante|bilancio (?:separato|di esercizio|d'esercizio)|separate financial"
)
CONSOLIDATED = re.compile(r"consolidat")
OTHER_SCOPE = re.compile(
    r"consolidating|guarant|obligor|parent|controllante|segment|pro ?forma|adoption|"
    r"adjustments? (?:for|due to)|discontinued"
)
"""Words near a table about a part of the group or under other rules: its values may differ and are no conflict."""
