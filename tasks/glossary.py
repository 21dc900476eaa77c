"""What people ask in accounting terms, and the words in which statements and notes answer.

A question about «capital expenditure» is answered by a line «Purchases of property, plant and equipment», one about the quick ratio by a
balance sheet that never says «quick ratio». Each entry has phrases that are asked (any of them, in Italian or English, as whole
words) and the wording where the answer stands, in the language of the phrase. It is general accounting vocabulary: civil code, IFRS and
US GAAP captions.
"""

from __future__ import annotations

import re
from functools import lru_cache

BALANCE_EN = "consolidated balance sheets statement of financial position total assets total liabilities equity"
INCOME_EN = (
    "consolidated statements of income operations earnings net sales revenue operating income net income per share"
)
CASH_EN = "consolidated statements of cash flows operating activities investing activities financing activities"
BALANCE_IT = "stato patrimoniale attivo passivo patrimonio netto totale attivo"
INCOME_IT = "conto economico ricavi delle vendite e delle prestazioni costi della produzione utile dell'esercizio"
CASH_IT = "rendiconto finanziario flusso finanziario dell'attività operativa di investimento di finanziamento"

CURRENT_EN = "total current assets total current liabilities cash and cash equivalents receivables inventories"
CURRENT_IT = "attivo circolante crediti disponibilità liquide rimanenze debiti esigibili entro l'esercizio successivo"
MARGIN_EN = "net sales revenue cost of sales cost of goods sold gross profit gross margin"
DEBT_EN = "long-term debt short-term borrowings notes payable total debt"

ENTRIES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("balance sheet", "statement of financial position", "financial position", "year end", "year-end"), BALANCE_EN),
    (("income statement", "p&l", "profit and loss", "statement of operations", "statement of income"), INCOME_EN),
    (("cash flow", "cash flows", "statement of cash flows"), CASH_EN),
    (("stato patrimoniale", "situazione patrimoniale"), BALANCE_IT),
    (("conto economico",), INCOME_IT),
    (("rendiconto finanziario", "flusso di cassa", "flussi di cassa"), CASH_IT),
    (
        ("capex", "capital expenditure", "capital expenditures", "capital spending"),
        f"purchases of property plant and equipment additions capital expenditures {CASH_EN}",
    ),
    (
        ("free cash flow",),
        f"net cash provided by operating activities purchases of property plant and equipment {CASH_EN}",
    ),
    (("operating cash flow", "cash from operations"), f"net cash provided by operating activities {CASH_EN}"),
    (("investimenti", "spese in conto capitale"), f"investimenti in immobilizzazioni materiali immateriali {CASH_IT}"),
    (
        ("ppe", "pp&e", "ppne", "fixed assets", "property plant and equipment"),
        f"property plant and equipment net accumulated depreciation {BALANCE_EN}",
    ),
    (("immobilizzazioni", "cespiti"), f"immobilizzazioni immateriali materiali finanziarie {BALANCE_IT}"),
    (("cogs", "cost of goods sold", "cost of sales", "gross margin", "gross profit"), f"{MARGIN_EN} {INCOME_EN}"),
    (
        ("margine operativo", "ebit", "risultato operativo", "reddito operativo"),
        f"differenza tra valore e costi della produzione risultato operativo {INCOME_IT}",
    ),
    (
        ("ebitda", "mol", "margine operativo lordo"),
        "EBITDA operating income depreciation and amortization reconciliation ammortamenti e svalutazioni risultato operativo",
    ),
    (
        ("operating margin", "operating income", "operating profit"),
        f"income from operations operating income {INCOME_EN}",
    ),
    (
        ("net margin", "net profit", "net profit margin", "net income", "bottom line"),
        f"net income net earnings {INCOME_EN}",
    ),
    (("utile netto", "risultato netto", "utile d'esercizio"), f"utile (perdita) dell'esercizio {INCOME_IT}"),
    (
        ("fatturato", "ricavi", "volume d'affari"),
        f"ricavi delle vendite e delle prestazioni valore della produzione {INCOME_IT}",
    ),
    (("quick ratio", "acid test", "current ratio", "working capital", "liquidity ratio"), f"{CURRENT_EN} {BALANCE_EN}"),
    (("indice di liquidità", "capitale circolante", "quoziente di disponibilità"), f"{CURRENT_IT} {BALANCE_IT}"),
    (
        ("inventory turnover", "inventories", "inventory", "dio", "days inventory"),
        f"inventories cost of sales {CURRENT_EN} {BALANCE_EN}",
    ),
    (("rimanenze", "magazzino", "rotazione del magazzino"), f"rimanenze materie prime prodotti finiti {BALANCE_IT}"),
    (
        ("receivables", "dso", "days sales outstanding"),
        f"accounts receivable trade receivables net {CURRENT_EN} {BALANCE_EN}",
    ),
    (("payables", "dpo", "days payable"), f"accounts payable trade payables {CURRENT_EN} {BALANCE_EN}"),
    (("debt", "leverage", "indebtedness", "net debt", "debt to equity"), f"{DEBT_EN} {BALANCE_EN}"),
    (
        ("indebitamento", "posizione finanziaria netta", "debiti finanziari"),
        f"debiti verso banche obbligazioni disponibilità liquide posizione finanziaria netta {BALANCE_IT}",
    ),
    (
        ("effective tax rate", "tax rate", "income tax", "income taxes"),
        f"provision for income taxes effective tax rate earnings before income taxes {INCOME_EN}",
    ),
    (
        ("imposte", "aliquota fiscale", "carico fiscale"),
        f"imposte sul reddito dell'esercizio correnti differite {INCOME_IT}",
    ),
    (("return on assets", "roa", "asset turnover"), f"total assets net income net sales {BALANCE_EN}"),
    (("return on equity", "roe"), f"shareholders equity net income {BALANCE_EN}"),
    (("dividend", "dividends", "payout"), f"dividends paid cash dividends declared per share {CASH_EN}"),
    (("dividendi",), "dividendi distribuiti proposta di destinazione del risultato d'esercizio"),
    (
        ("share repurchase", "share repurchases", "buyback", "stock repurchases"),
        "repurchases of common stock treasury stock share repurchase program",
    ),
    (("depreciation", "amortization", "d&a"), f"depreciation and amortization {CASH_EN}"),
    (("ammortamenti", "ammortamento"), "ammortamenti e svalutazioni immobilizzazioni immateriali materiali"),
    (("interest coverage", "interest expense"), f"interest expense net operating income {INCOME_EN}"),
    (
        ("personale", "costo del lavoro"),
        f"costi per il personale salari e stipendi oneri sociali trattamento di fine rapporto {INCOME_IT}",
    ),
    (("r&d", "research and development"), f"research and development expense {INCOME_EN}"),
    (("sg&a", "selling general and administrative"), f"selling general and administrative expenses {INCOME_EN}"),
    (
        ("segment", "segments", "business lines"),
        "segment information net sales operating income by segment reportable segments",
    ),
    (
        ("legal", "litigation", "lawsuit", "legal battles", "lawsuits"),
        "legal proceedings litigation claims contingencies",
    ),
    (("contenzioso", "cause legali"), "contenziosi in corso fondo rischi cause passive"),
    (
        ("acquisition", "acquisitions", "mergers"),
        "acquisitions business combinations purchase price acquired divestitures",
    ),
    (("customers", "primary customers"), "major customers sales to significant customers concentration"),
    (("risk", "risks", "risk factors"), "risk factors could adversely affect our business"),
    (("rischi",), "principali rischi e incertezze"),
)


WORD = re.compile(r"[^\W_]+(?:[&-][^\W_]+)*")


def wordings(question: str) -> str:
    """Return the wording of statements and notes that would answer the question, "" where the glossary has nothing to say."""
    text = f" {' '.join(WORD.findall(question.casefold()))} "
    found: dict[str, None] = {}
    for pattern, wording in _patterns():
        if pattern.search(text):
            found.update(dict.fromkeys(wording.split()))
    return " ".join(found)


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(f" (?:{'|'.join(map(_spaced, phrases))}) "), wording) for phrases, wording in ENTRIES)


def _spaced(phrase: str) -> str:
    return re.escape(" ".join(WORD.findall(phrase)))
