"""XBRL concepts that stand for canonical items, by local name: us-gaap, ifrs-full and the Italian itcc-ci taxonomy.

For each item the names in order of preference, as regular expressions over the whole local name; the first that a
period has wins. The taxonomies do not share local names with other meanings, so prefixes are not needed.
"""

from __future__ import annotations

import re

from tasks.analyse.statements.rules import StatementKind

_B10 = "CostiProduzioneAmmortamentiSvalutazioni"
_C17 = "ProventiOneriFinanziariInteressiAltriOneriFinanziari"
_TAX20 = "ImposteRedditoEsercizioCorrentiDifferiteAnticipate"
_PRETAX = "IncomeLossFromContinuingOperationsBeforeIncomeTaxes"

CONCEPTS: dict[StatementKind, dict[str, tuple[str, ...]]] = {
    "income_statement": {
        "revenue": (
            "Revenues",
            "RevenueFromContractWithCustomer(?:Excluding|Including)AssessedTax",
            "SalesRevenueNet",
            "RevenuesNetOfInterestExpense",
            "SalesRevenueGoodsNet",
            "Revenue",
            "ValoreProduzioneRicaviVenditePrestazioni",
            "RevenueFromContractsWithCustomers",
        ),
        "value_of_production": ("TotaleValoreProduzione",),
        "cost_of_goods_sold": (
            "CostOfRevenue",
            "CostOfGoodsAndServicesSold",
            "CostOfGoodsSold",
            "CostOfSales",
            "CostOfServices",
        ),
        "gross_profit": ("GrossProfit",),
        "research_and_development": (
            "ResearchAndDevelopmentExpense",
            "ResearchAndDevelopmentExpenseExcludingAcquiredInProcessCost",
        ),
        "selling_general_administrative": ("SellingGeneralAndAdministrativeExpense",),
        "personnel_cost": (
            "CostiProduzionePersonaleTotaleCostiPersonale",
            "EmployeeBenefitsExpense",
            "LaborAndRelatedExpense",
        ),
        "operating_income": (
            "OperatingIncomeLoss",
            "ProfitLossFromOperatingActivities",
            "DifferenzaValoreCostiProduzione",
        ),
        "interest_expense": (
            "InterestExpense",
            "InterestExpenseNonoperating",
            "InterestExpenseDebt",
            f"{_C17}Totale.*",
            "FinanceCosts",
        ),
        "pretax_income": (
            f"{_PRETAX}ExtraordinaryItemsNoncontrollingInterest",
            f"{_PRETAX}MinorityInterestAndIncomeLossFromEquityMethodInvestments",
            "IncomeLossIncludingPortionAttributableToNoncontrollingInterestBeforeTax|"
            "ProfitLossBeforeTax|RisultatoPrimaImposte",
        ),
        "income_tax": (
            "IncomeTaxExpenseBenefit",
            "IncomeTaxExpenseContinuingOperations",
            f"{_TAX20}Totale.*",
            f"{_TAX20}",
        ),
        "net_income": (
            "NetIncomeLoss",
            "ProfitLossAttributableToOwnersOfParent",
            "UtilePerdita.*(?:Pertinenza|Competenza|Quota)?Gruppo",
            "ProfitLoss",
            "UtilePerditaEsercizio",
            "UtilePerditaConsolidat[oi].*",
        ),
        "depreciation_amortization": (f"{_B10}Totale.*", f"{_B10}"),
    },
    "balance_sheet": {
        "cash_and_equivalents": (
            "CashAndCashEquivalentsAtCarryingValue",
            "CashAndCashEquivalents",
            "TotaleDisponibilitaLiquide",
            "Cash",
        ),
        "accounts_receivable": (
            "AccountsReceivableNetCurrent",
            "ReceivablesNetCurrent",
            "AccountsNotesAndLoansReceivableNetCurrent",
            "CurrentTradeReceivables",
            "TradeAndOtherCurrentReceivables",
            "CreditiVersoClientiTotaleCreditiVersoClienti",
        ),
        "inventory": ("InventoryNet", "Inventories", "TotaleRimanenze"),
        "current_assets": ("AssetsCurrent", "CurrentAssets", "TotaleAttivoCircolante"),
        "property_plant_equipment": (
            "PropertyPlantAndEquipmentNet",
            "PropertyPlantAndEquipmentAndFinanceLeaseRightOfUseAssetAfterAccumulatedDepreciationAndAmortization",
            "PropertyPlantAndEquipment",
            "TotaleImmobilizzazioniMateriali",
        ),
        "intangible_assets": (
            "IntangibleAssetsNetExcludingGoodwill",
            "IntangibleAssetsOtherThanGoodwill",
            "FiniteLivedIntangibleAssetsNet",
            "TotaleImmobilizzazioniImmateriali",
        ),
        "goodwill": ("Goodwill", "ImmobilizzazioniImmaterialiAvviamento"),
        "total_assets": ("Assets", "TotaleAttivo"),
        "accounts_payable": (
            "AccountsPayableCurrent",
            "AccountsPayableTradeCurrent",
            "TradeAndOtherCurrentPayablesToTradeSuppliers",
            "CurrentTradePayables",
            "TradeAndOtherCurrentPayables",
            "(?:Debiti)?DebitiVersoFornitoriTotaleDebitiVersoFornitori",
        ),
        "short_term_debt": ("DebtCurrent",),
        "current_liabilities": ("LiabilitiesCurrent", "CurrentLiabilities", "DebitiEsigibiliEntroEsercizioSuccessivo"),
        "long_term_debt": ("LongTermDebtNoncurrent", "LongTermDebtAndCapitalLeaseObligations", "LongtermBorrowings"),
        "total_liabilities": ("Liabilities",),
        "shareholders_equity": (
            "StockholdersEquity",
            "EquityAttributableToOwnersOfParent",
            "TotalePatrimonioNetto.*Gruppo",
            "PatrimonioNetto.*TotalePatrimonioNetto.*Gruppo",
            "StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest",
            "Equity",
            "TotalePatrimonioNetto",
        ),
    },
    "cash_flow_statement": {
        "operating_cash_flow": (
            "NetCashProvidedByUsedInOperatingActivities",
            "NetCashProvidedByUsedInOperatingActivitiesContinuingOperations",
            "CashFlowsFromUsedInOperatingActivities",
            "FlussoFinanziarioAttivitaOperativa",
        ),
        "depreciation_amortization": (
            "DepreciationDepletionAndAmortization",
            "DepreciationAmortizationAndAccretionNet",
            "DepreciationAndAmortization",
            "AdjustmentsForDepreciationAndAmortisationExpense",
            "DepreciationAndAmortisationExpense",
            ".*AmmortamentiImmobilizzazioni",
        ),
        "capital_expenditure": (
            "PaymentsToAcquirePropertyPlantAndEquipment",
            "PaymentsToAcquireProductiveAssets",
            "PurchaseOfPropertyPlantAndEquipmentClassifiedAsInvestingActivities",
            ".*ImmobilizzazioniMateriali(?:Flussi)?Investimenti",
        ),
        "dividends_paid": (
            "PaymentsOfDividends",
            "PaymentsOfDividendsCommonStock",
            "DividendsPaidClassifiedAsFinancingActivities",
            "DividendsPaid",
            ".*DividendiAccontiDividendiPagati",
        ),
        "share_repurchases": ("PaymentsForRepurchaseOfCommonStock", "PaymentsToAcquireOrRedeemEntitysShares"),
    },
}

_LENDERS = (
    "(?:Obbligazioni|ObbligazioniConvertibili|DebitiVersoBanche|DebitiVersoAltriFinanziatori|"
    "DebitiVersoSociFinanziamenti)"
)
SUMS: dict[str, tuple[str, ...]] = {
    "short_term_debt": (
        f"(?:Debiti)?{_LENDERS}EsigibiliEntroEsercizioSuccessivo",
        "ShortTermBorrowings|CommercialPaper|LongTermDebtCurrent",
    ),
    "long_term_debt": (f"(?:Debiti)?{_LENDERS}EsigibiliOltreEsercizioSuccessivo",),
}
"""Items that are the sum of several concepts, where no single concept gives them."""

TOTALS: dict[str, str] = {
    "assets": "Assets|TotaleAttivo",
    "liabilities_and_equity": "LiabilitiesAndStockholdersEquity|EquityAndLiabilities|TotalePassivo",
    "total_equity": "StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest|Equity|"
    "TotalePatrimonioNetto",
}
"""Sums that the checks need, and the identity that gives total liabilities."""

ABSOLUTE = frozenset({"capital_expenditure", "dividends_paid", "share_repurchases"})

PATTERNS: dict[tuple[StatementKind, str], tuple[re.Pattern[str], ...]] = {
    (kind, item): tuple(re.compile(f"(?:{name})$") for name in names)
    for kind, items in CONCEPTS.items()
    for item, names in items.items()
}
SUM_PATTERNS: dict[str, tuple[re.Pattern[str], ...]] = {
    item: tuple(re.compile(f"(?:{name})$") for name in names) for item, names in SUMS.items()
}
TOTAL_PATTERNS: dict[str, re.Pattern[str]] = {name: re.compile(f"(?:{names})$") for name, names in TOTALS.items()}
