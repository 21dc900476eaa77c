"""What the canonical figures and metrics are called, what they say, and where their traffic lights change.

The limits are the rules of thumb of credit and accounting textbooks, not those of a sector: a report says so beside
its lights. A metric without limits (gross margin, turnover) gets no light, because what is sound there depends on the
trade alone. Units as in the analysis: percent in percent, ratios plain, days, currency.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

INCOME: Final = (
    "revenue", "value_of_production", "cost_of_goods_sold", "gross_profit", "research_and_development",
    "selling_general_administrative", "personnel_cost", "operating_income", "interest_expense", "pretax_income",
    "income_tax", "net_income",
)  # fmt: skip
BALANCE: Final = (
    "cash_and_equivalents", "accounts_receivable", "inventory", "current_assets", "receivables_due_after_year", "property_plant_equipment",
    "intangible_assets", "goodwill", "total_assets", "accounts_payable", "short_term_debt", "current_liabilities",
    "long_term_debt", "total_liabilities", "shareholders_equity",
)  # fmt: skip
CASH: Final = (
    "operating_cash_flow", "depreciation_amortization", "capital_expenditure", "dividends_paid", "share_repurchases",
)  # fmt: skip
STATEMENTS: Final = {"income_statement": INCOME, "balance_sheet": BALANCE, "cash_flow_statement": CASH}
TOTALS: Final = frozenset({"revenue", "gross_profit", "operating_income", "net_income", "total_assets",
                           "total_liabilities", "shareholders_equity", "operating_cash_flow"})  # fmt: skip

ITEMS: Final[dict[str, tuple[str, str]]] = {
    "revenue": ("Revenue", "Ricavi"),
    "value_of_production": ("Value of production", "Valore della produzione"),
    "cost_of_goods_sold": ("Cost of goods sold", "Costo del venduto"),
    "gross_profit": ("Gross profit", "Utile lordo"),
    "research_and_development": ("Research and development", "Ricerca e sviluppo"),
    "selling_general_administrative": (
        "Selling, general and administrative",
        "Spese commerciali, generali e amministrative",
    ),
    "personnel_cost": ("Personnel cost", "Costo del personale"),
    "operating_income": ("Operating income (EBIT)", "Risultato operativo (EBIT)"),
    "interest_expense": ("Interest expense", "Oneri finanziari"),
    "pretax_income": ("Income before tax", "Risultato prima delle imposte"),
    "income_tax": ("Income tax", "Imposte sul reddito"),
    "net_income": ("Net income", "Utile netto"),
    "cash_and_equivalents": ("Cash and equivalents", "Disponibilità liquide"),
    "accounts_receivable": ("Accounts receivable", "Crediti commerciali"),
    "inventory": ("Inventory", "Rimanenze"),
    "current_assets": ("Current assets", "Attivo circolante"),
    "receivables_due_after_year": ("of which receivables due after the year", "di cui crediti oltre l’esercizio"),
    "property_plant_equipment": ("Property, plant and equipment", "Immobilizzazioni materiali"),
    "intangible_assets": ("Intangible assets", "Immobilizzazioni immateriali"),
    "goodwill": ("Goodwill", "Avviamento"),
    "total_assets": ("Total assets", "Totale attivo"),
    "accounts_payable": ("Accounts payable", "Debiti commerciali"),
    "short_term_debt": ("Short-term debt", "Debiti finanziari a breve"),
    "current_liabilities": ("Current liabilities", "Passività correnti"),
    "long_term_debt": ("Long-term debt", "Debiti finanziari a lungo"),
    "total_liabilities": ("Total liabilities", "Totale passività"),
    "shareholders_equity": ("Shareholders’ equity", "Patrimonio netto"),
    "operating_cash_flow": ("Operating cash flow", "Flusso di cassa operativo"),
    "depreciation_amortization": ("Depreciation and amortisation", "Ammortamenti"),
    "capital_expenditure": ("Capital expenditure", "Investimenti"),
    "dividends_paid": ("Dividends paid", "Dividendi pagati"),
    "share_repurchases": ("Share repurchases", "Acquisto di azioni proprie"),
}


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric in words. `sound` and `weak` are the limits of its light; `sound` below `weak` means less is better."""

    en: str
    it: str
    means_en: str
    means_it: str
    sound: float | None = None
    weak: float | None = None

    def light(self, value: float) -> str:
        """`good`, `fair` or `poor`; "" for a metric that has no limits."""
        if self.sound is None or self.weak is None:
            return ""
        up = self.sound >= self.weak
        if (value >= self.sound) if up else (value <= self.sound):
            return "good"
        return "poor" if ((value < self.weak) if up else (value > self.weak)) else "fair"


_M = Measure
MEASURES: Final[dict[str, dict[str, Measure]]] = {
    "growth": {
        "revenue_growth": _M("Revenue growth", "Crescita dei ricavi", "Change of revenue from the year before.",
                             "Variazione dei ricavi sull’anno precedente.", 3, 0),
        "operating_income_growth": _M("Operating income growth", "Crescita del risultato operativo",
                                      "Change of operating income from the year before.",
                                      "Variazione del risultato operativo sull’anno precedente.", 3, 0),
        "net_income_growth": _M("Net income growth", "Crescita dell’utile netto",
                                "Change of net income from the year before.",
                                "Variazione dell’utile netto sull’anno precedente.", 3, 0),
        "revenue_cagr": _M("Revenue CAGR", "Crescita media annua dei ricavi",
                           "Average yearly growth of revenue over the years of a report.",
                           "Crescita media annua dei ricavi negli anni di un rapporto.", 3, 0),
    },
    "profitability": {
        "gross_margin": _M("Gross margin", "Margine lordo", "Share of revenue left after the cost of what was sold.",
                           "Quota dei ricavi che resta dopo il costo del venduto."),
        "operating_margin": _M("Operating margin (ROS)", "Margine operativo (ROS)",
                               "Share of revenue left by operations, before interest and tax.",
                               "Quota dei ricavi che resta dalla gestione, prima di oneri e imposte.", 10, 3),
        "net_margin": _M("Net margin", "Margine netto", "Share of revenue that is left for the owners.",
                         "Quota dei ricavi che resta ai soci.", 5, 0),
        "ebitda": _M("EBITDA", "EBITDA", "Operating income before depreciation and amortisation.",
                     "Risultato operativo prima degli ammortamenti.", 0, 0),
        "ebitda_margin": _M("EBITDA margin", "Margine EBITDA", "EBITDA as a share of revenue.",
                            "EBITDA in rapporto ai ricavi.", 12, 5),
        "roa": _M("Return on assets (ROA)", "Redditività dell’attivo (ROA)",
                  "Net income on the average of all assets employed.",
                  "Utile netto sulla media di tutto l’attivo impiegato.", 5, 0),
        "roe": _M("Return on equity (ROE)", "Redditività del capitale proprio (ROE)",
                  "Net income on the owners’ average capital.",
                  "Utile netto sulla media del capitale dei soci.", 10, 0),
        "roi": _M("Return on investment (ROI)", "Redditività dell’investimento (ROI)",
                  "Operating income on total assets.", "Risultato operativo sul totale dell’attivo.", 8, 2),
        "cogs_margin": _M("Cost of goods sold to revenue", "Incidenza del costo del venduto",
                          "Share of revenue that the cost of what was sold takes.",
                          "Quota dei ricavi assorbita dal costo del venduto."),
    },
    "liquidity": {
        "current_ratio": _M("Current ratio", "Indice di liquidità corrente",
                            "Current assets for each unit of debt due within the year.",
                            "Attivo circolante per ogni unità di debito entro l’anno.", 1.5, 1),
        "quick_ratio": _M("Quick ratio", "Indice di liquidità immediata",
                          "The same without inventory, which takes time to sell.",
                          "Lo stesso senza le rimanenze, che vanno prima vendute.", 1, 0.7),
        "cash_ratio": _M("Cash ratio", "Indice di cassa", "Cash for each unit of debt due within the year.",
                         "Liquidità per ogni unità di debito entro l’anno.", 0.3, 0.1),
        "working_capital": _M("Working capital", "Capitale circolante netto",
                              "What current assets exceed current liabilities by.",
                              "Eccedenza dell’attivo circolante sulle passività correnti.", 0, 0),
        "operating_cash_flow_ratio": _M("Operating cash flow ratio", "Copertura con cassa operativa",
                                        "Cash from operations for each unit of debt due within the year.",
                                        "Cassa della gestione per ogni unità di debito entro l’anno.", 0.4, 0.2),
    },
    "solidity": {
        "debt_to_equity": _M("Debt to equity", "Debiti finanziari su patrimonio", "Financial debt per unit of equity.",
                             "Debiti finanziari per ogni unità di patrimonio.", 1, 2),
        "net_debt": _M("Net debt", "Indebitamento netto", "Financial debt less cash; below zero there is net cash.",
                       "Debiti finanziari meno liquidità; sotto zero vi è cassa netta."),
        "net_debt_to_ebitda": _M("Net debt to EBITDA", "Indebitamento netto su EBITDA",
                                 "Years of EBITDA that would repay the net debt.",
                                 "Anni di EBITDA che ripagherebbero il debito netto.", 2, 4),
        "interest_coverage": _M("Interest coverage", "Copertura degli interessi",
                                "How many times operating income pays the interest.",
                                "Quante volte il risultato operativo paga gli interessi.", 4, 1.5),
    },
    "efficiency": {
        "asset_turnover": _M("Asset turnover", "Rotazione dell’attivo", "Revenue for each unit of average assets.",
                             "Ricavi per ogni unità di attivo medio."),
        "fixed_asset_turnover": _M("Fixed asset turnover", "Rotazione delle immobilizzazioni",
                                   "Revenue for each unit of plant and equipment.",
                                   "Ricavi per ogni unità di immobilizzazioni materiali."),
        "inventory_turnover": _M("Inventory turnover", "Rotazione del magazzino",
                                 "How many times a year the inventory is sold.",
                                 "Quante volte l’anno si vende il magazzino."),
        "dio": _M("Days of inventory (DIO)", "Giorni di magazzino (DIO)", "Days that goods wait before they are sold.",
                  "Giorni che la merce attende prima della vendita."),
        "dso": _M("Days to collect (DSO)", "Giorni di incasso (DSO)", "Days that customers take to pay.",
                  "Giorni che i clienti impiegano a pagare.", 60, 90),
        "dpo": _M("Days to pay (DPO)", "Giorni di pagamento (DPO)", "Days that suppliers wait for their money.",
                  "Giorni che i fornitori attendono il pagamento."),
        "cash_conversion_cycle": _M("Cash conversion cycle", "Ciclo di conversione della cassa",
                                    "Days between paying suppliers and being paid.",
                                    "Giorni tra il pagamento ai fornitori e l’incasso.", 60, 120),
    },
    "cash": {
        "free_cash_flow": _M("Free cash flow", "Flusso di cassa libero",
                             "Cash from operations left after investment.",
                             "Cassa della gestione che resta dopo gli investimenti.", 0, 0),
        "capex_to_revenue": _M("Capital expenditure to revenue", "Investimenti sui ricavi",
                               "Share of revenue that is invested in plant and equipment.",
                               "Quota dei ricavi investita in immobilizzazioni."),
        "depreciation_to_revenue": _M("Depreciation to revenue", "Ammortamenti sui ricavi",
                                      "Share of revenue that depreciation and amortisation take.",
                                      "Quota dei ricavi assorbita dagli ammortamenti."),
        "dividend_payout_ratio": _M("Dividend payout", "Quota di utili distribuita",
                                    "Share of net income that is paid out.",
                                    "Quota dell’utile netto distribuita ai soci."),
        "retention_ratio": _M("Retention", "Quota di utili trattenuta", "Share of net income that stays in the firm.",
                              "Quota dell’utile netto che resta in azienda."),
    },
}  # fmt: skip
BY_NAME: Final = {name: measure for group in MEASURES.values() for name, measure in group.items()}
LEADING: Final = ("operating_margin", "net_margin", "current_ratio", "debt_to_equity", "interest_coverage", "roe",
                  "free_cash_flow", "revenue_growth")  # fmt: skip


def item_name(item: str, language: str) -> str:
    """What a figure is called; a name that is not canonical is shown as words."""
    pair = ITEMS.get(item)
    return pair[1 if language == "it" else 0] if pair else _spoken(item)


def metric_name(metric: str, language: str) -> str:
    """What a metric is called; one that is not canonical is shown as words."""
    measure = BY_NAME.get(metric)
    if measure is None:
        return _spoken(metric)
    return measure.it if language == "it" else measure.en


def meaning(metric: str, language: str) -> str:
    """One plain sentence on what a metric says, "" for one that is not canonical."""
    measure = BY_NAME.get(metric)
    if measure is None:
        return ""
    return measure.means_it if language == "it" else measure.means_en


def light(metric: str, value: float) -> str:
    """The traffic light of a metric: `good`, `fair`, `poor`, or "" for none."""
    measure = BY_NAME.get(metric)
    return measure.light(value) if measure else ""


def _spoken(name: str) -> str:
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
