"""The English annual report's statements: by function, in millions of dollars, three years of income and cash flow."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache

from samples.make.statement import Line, Statement, Style


@dataclass(frozen=True)
class Fiscal:
    """One fiscal year in millions of dollars; costs and balances positive, changes with their sign in the cash flow."""

    year: int
    products: int
    services: int
    cogs: int
    research: int
    selling: int
    restructuring: int
    interest: int
    other_income: int
    tax: int
    depreciation: int
    compensation: int
    deferred: int
    receivables_change: int
    inventory_change: int
    payables_change: int
    accrued_change: int
    capex: int
    acquisitions: int
    borrowed: int
    repaid: int
    dividends: int
    repurchases: int
    shares: int  # thousands of diluted shares
    cash: int
    receivables: int
    inventory: int
    prepaid: int
    plant: int
    goodwill: int
    intangibles: int
    other_assets: int
    payables: int
    accrued: int
    short_debt: int
    long_debt: int
    deferred_tax: int
    common: int
    retained: int
    treasury: int

    @property
    def revenue(self) -> int:
        return self.products + self.services

    @property
    def gross(self) -> int:
        return self.revenue - self.cogs

    @property
    def expenses(self) -> int:
        return self.research + self.selling + self.restructuring

    @property
    def operating(self) -> int:
        return self.gross - self.expenses

    @property
    def pretax(self) -> int:
        return self.operating - self.interest + self.other_income

    @property
    def net(self) -> int:
        return self.pretax - self.tax

    @property
    def operating_cash(self) -> int:
        changes = self.receivables_change + self.inventory_change + self.payables_change + self.accrued_change
        return self.net + self.depreciation + self.compensation + self.deferred + changes

    @property
    def investing(self) -> int:
        return -self.capex - self.acquisitions

    @property
    def financing(self) -> int:
        return self.borrowed - self.repaid - self.dividends - self.repurchases

    @property
    def cash_change(self) -> int:
        return self.operating_cash + self.investing + self.financing

    @property
    def current_assets(self) -> int:
        return self.cash + self.receivables + self.inventory + self.prepaid

    @property
    def assets(self) -> int:
        return self.current_assets + self.plant + self.goodwill + self.intangibles + self.other_assets

    @property
    def current_liabilities(self) -> int:
        return self.payables + self.accrued + self.short_debt

    @property
    def liabilities(self) -> int:
        return self.current_liabilities + self.long_debt + self.deferred_tax

    @property
    def equity(self) -> int:
        return self.common + self.retained - self.treasury


def _next(last: Fiscal, growth: float, dice: random.Random) -> Fiscal:
    def part(of: int, rate: float, spread: float = 0.02) -> int:
        return round(of * rate * dice.uniform(1 - spread, 1 + spread))

    products, services = part(last.products, 1 + growth, 0.01), part(last.services, 1 + growth + 0.03, 0.01)
    revenue = products + services
    cogs, research, selling = part(revenue, 0.548), part(revenue, 0.087), part(revenue, 0.192)
    restructuring = part(revenue, 0.006) if growth < 0.03 else 0
    interest, income, depreciation = part(last.long_debt, 0.041), part(revenue, 0.002), part(revenue, 0.046)
    capex, acquisitions = part(revenue, 0.044, 0.1), part(revenue, 0.02) if growth > 0.05 else 0
    pretax = revenue - cogs - research - selling - restructuring - interest + income
    tax, net_deferred, pay = part(pretax, 0.214), part(pretax, 0.012, 0.3), part(revenue, 0.014)
    receivables, inventory = part(revenue, 0.151, 0.04), part(cogs, 0.213, 0.05)
    payables, accrued = part(cogs, 0.128, 0.05), part(revenue, 0.071, 0.04)
    amortised = round(last.intangibles * 0.12)
    borrowed, repaid = (300 if last.year % 2 else 0), last.short_debt
    short = 150 if last.year % 2 == 0 else 120
    dividends, repurchases = part(pretax - tax, 0.31), part(pretax - tax, 0.38, 0.1)
    now = Fiscal(
        last.year + 1,
        products,
        services,
        cogs,
        research,
        selling,
        restructuring,
        interest,
        income,
        tax,
        depreciation,
        pay,
        net_deferred,
        last.receivables - receivables,
        last.inventory - inventory,
        payables - last.payables,
        accrued - last.accrued,
        capex,
        acquisitions,
        borrowed,
        repaid,
        dividends,
        repurchases,
        last.shares - round(repurchases * 8.4),
        0,
        receivables,
        inventory,
        last.prepaid,
        last.plant + capex - (depreciation - amortised),
        last.goodwill + acquisitions * 2 // 3,
        last.intangibles + acquisitions - acquisitions * 2 // 3 - amortised,
        last.other_assets,
        payables,
        accrued,
        short,
        last.long_debt + borrowed - short,
        last.deferred_tax + net_deferred,
        last.common + pay,
        last.retained + pretax - tax - dividends,
        last.treasury + repurchases,
    )
    return Fiscal(**{**_fields(now), "cash": last.cash + now.cash_change})


def _fields(year: Fiscal) -> dict[str, int]:
    return {name: getattr(year, name) for name in Fiscal.__dataclass_fields__}


@cache
def fiscal_years() -> tuple[Fiscal, ...]:
    """2019 (opening) to 2024.

    Raises:
        ValueError: a year does not balance.
    """
    zero = dict.fromkeys(Fiscal.__dataclass_fields__, 0)
    opening = Fiscal(
        **{
            **zero,
            "year": 2019,
            "products": 2416,
            "services": 702,
            "shares": 214_300,
            "cash": 512,
            "receivables": 471,
            "inventory": 364,
            "prepaid": 88,
            "plant": 902,
            "goodwill": 1214,
            "intangibles": 402,
            "other_assets": 146,
            "payables": 218,
            "accrued": 221,
            "short_debt": 120,
            "long_debt": 940,
            "deferred_tax": 131,
            "common": 880,
            "treasury": 402,
        }
    )
    opening = Fiscal(**{**_fields(opening), "retained": opening.assets - opening.liabilities - 880 + 402})
    dice, years = random.Random(404), [opening]
    for growth in (-0.036, 0.082, 0.067, 0.018, 0.059):
        years.append(_next(years[-1], growth, dice))
        if years[-1].assets != years[-1].liabilities + years[-1].equity:
            raise ValueError(f"fiscal {years[-1].year} does not balance")
    return tuple(years)


def _lines(years: tuple[Fiscal, ...], *rows: tuple[str, str, Style, str, str]) -> tuple[Line, ...]:
    """Lines from (label, field, style, item, tag); "-field" prints the amount in parentheses."""
    lines = []
    for label, field, style, item, tag in rows:
        sign, name = (-1, field[1:]) if field.startswith("-") else (1, field)
        values = tuple(sign * int(getattr(year, name)) for year in reversed(years)) if field else ()
        lines.append(Line(label, values, 1 if style == "plain" else 0, style, item, sign < 0, tag))
    return tuple(lines)


def income(years: tuple[Fiscal, ...]) -> tuple[Line, ...]:
    rows = _lines(
        years,
        ("Net sales:", "", "head", "", ""),
        ("Products", "products", "plain", "", ""),
        ("Services", "services", "plain", "", ""),
        ("Total net sales", "revenue", "sum", "revenue", "RevenueFromContractWithCustomerExcludingAssessedTax"),
        ("Cost of sales", "cogs", "plain", "cost_of_goods_sold", "CostOfGoodsAndServicesSold"),
        ("Gross profit", "gross", "sum", "gross_profit", "GrossProfit"),
        ("Operating expenses:", "", "head", "", ""),
        ("Research and development", "research", "plain", "research_and_development", "ResearchAndDevelopmentExpense"),
        (
            "Selling, general and administrative",
            "selling",
            "plain",
            "selling_general_administrative",
            "SellingGeneralAndAdministrativeExpense",
        ),
        ("Restructuring charges (1)", "restructuring", "plain", "", "RestructuringCharges"),
        ("Total operating expenses", "expenses", "sum", "", "OperatingExpenses"),
        ("Operating income", "operating", "sum", "operating_income", "OperatingIncomeLoss"),
        ("Interest expense", "-interest", "plain", "interest_expense", "InterestExpense"),
        ("Other income, net", "other_income", "plain", "", "OtherNonoperatingIncomeExpense"),
        (
            "Income before income taxes",
            "pretax",
            "sum",
            "pretax_income",
            "IncomeLossFromContinuingOperationsBeforeIncomeTaxesExtraordinaryItemsNoncontrollingInterest",
        ),
        ("Provision for income taxes", "tax", "plain", "income_tax", "IncomeTaxExpenseBenefit"),
        ("Net income", "net", "total", "net_income", "NetIncomeLoss"),
    )
    cents = tuple(round(year.net * 100_000 / year.shares) for year in reversed(years))
    return (*rows, Line("Diluted earnings per share (in dollars)", cents, 0, per_share=True))


def balance(years: tuple[Fiscal, ...]) -> tuple[Line, ...]:
    return _lines(
        years,
        ("Assets", "", "head", "", ""),
        ("Current assets:", "", "head", "", ""),
        ("Cash and cash equivalents", "cash", "plain", "cash_and_equivalents", "CashAndCashEquivalentsAtCarryingValue"),
        (
            "Accounts receivable, net of allowances",
            "receivables",
            "plain",
            "accounts_receivable",
            "AccountsReceivableNetCurrent",
        ),
        ("Inventories", "inventory", "plain", "inventory", "InventoryNet"),
        ("Prepaid expenses and other current assets", "prepaid", "plain", "", "PrepaidExpenseAndOtherAssetsCurrent"),
        ("Total current assets", "current_assets", "sum", "current_assets", "AssetsCurrent"),
        (
            "Property, plant and equipment, net",
            "plant",
            "plain",
            "property_plant_equipment",
            "PropertyPlantAndEquipmentNet",
        ),
        ("Goodwill", "goodwill", "plain", "goodwill", "Goodwill"),
        ("Intangible assets, net", "intangibles", "plain", "intangible_assets", "IntangibleAssetsNetExcludingGoodwill"),
        ("Other assets", "other_assets", "plain", "", "OtherAssetsNoncurrent"),
        ("Total assets", "assets", "total", "total_assets", "Assets"),
        ("Liabilities and stockholders' equity", "", "head", "", ""),
        ("Current liabilities:", "", "head", "", ""),
        ("Accounts payable", "payables", "plain", "accounts_payable", "AccountsPayableCurrent"),
        ("Accrued liabilities", "accrued", "plain", "", "AccruedLiabilitiesCurrent"),
        ("Current portion of long-term debt", "short_debt", "plain", "short_term_debt", "LongTermDebtCurrent"),
        ("Total current liabilities", "current_liabilities", "sum", "current_liabilities", "LiabilitiesCurrent"),
        ("Long-term debt", "long_debt", "plain", "long_term_debt", "LongTermDebtNoncurrent"),
        ("Deferred income taxes", "deferred_tax", "plain", "", "DeferredIncomeTaxLiabilitiesNet"),
        ("Total liabilities", "liabilities", "sum", "total_liabilities", "Liabilities"),
        ("Stockholders' equity:", "", "head", "", ""),
        (
            "Common stock and additional paid-in capital",
            "common",
            "plain",
            "",
            "CommonStocksIncludingAdditionalPaidInCapital",
        ),
        ("Retained earnings", "retained", "plain", "", "RetainedEarningsAccumulatedDeficit"),
        ("Treasury stock, at cost", "-treasury", "plain", "", ""),
        ("Total stockholders' equity", "equity", "sum", "shareholders_equity", "StockholdersEquity"),
        ("Total liabilities and stockholders' equity", "assets", "total", "", "LiabilitiesAndStockholdersEquity"),
    )


def cash_flow(years: tuple[Fiscal, ...]) -> tuple[Line, ...]:
    """`years` has the opening year first."""
    rows = _lines(
        years[1:],
        ("Operating activities:", "", "head", "", ""),
        ("Net income", "net", "plain", "net_income", "NetIncomeLoss"),
        (
            "Depreciation and amortization",
            "depreciation",
            "plain",
            "depreciation_amortization",
            "DepreciationDepletionAndAmortization",
        ),
        ("Stock-based compensation", "compensation", "plain", "", "ShareBasedCompensation"),
        ("Deferred income taxes", "deferred", "plain", "", "DeferredIncomeTaxExpenseBenefit"),
        ("Changes in operating assets and liabilities:", "", "head", "", ""),
        ("Accounts receivable", "receivables_change", "plain", "", ""),
        ("Inventories", "inventory_change", "plain", "", ""),
        ("Accounts payable", "payables_change", "plain", "", ""),
        ("Accrued liabilities", "accrued_change", "plain", "", ""),
        (
            "Net cash provided by operating activities",
            "operating_cash",
            "sum",
            "operating_cash_flow",
            "NetCashProvidedByUsedInOperatingActivities",
        ),
        ("Investing activities:", "", "head", "", ""),
        (
            "Purchases of property, plant and equipment",
            "-capex",
            "plain",
            "capital_expenditure",
            "PaymentsToAcquirePropertyPlantAndEquipment",
        ),
        ("Acquisitions, net of cash acquired", "-acquisitions", "plain", "", ""),
        ("Net cash used in investing activities", "investing", "sum", "", "NetCashProvidedByUsedInInvestingActivities"),
        ("Financing activities:", "", "head", "", ""),
        ("Proceeds from issuance of long-term debt", "borrowed", "plain", "", "ProceedsFromIssuanceOfLongTermDebt"),
        ("Repayments of long-term debt", "-repaid", "plain", "", "RepaymentsOfLongTermDebt"),
        ("Dividends paid", "-dividends", "plain", "dividends_paid", "PaymentsOfDividends"),
        (
            "Repurchases of common stock",
            "-repurchases",
            "plain",
            "share_repurchases",
            "PaymentsForRepurchaseOfCommonStock",
        ),
        ("Net cash used in financing activities", "financing", "sum", "", "NetCashProvidedByUsedInFinancingActivities"),
        ("Net change in cash and cash equivalents", "cash_change", "sum", "", ""),
    )
    opening = tuple(year.cash for year in reversed(years[:-1]))
    closing = tuple(year.cash for year in reversed(years[1:]))
    return (
        *rows,
        Line("Cash and cash equivalents, beginning of year", opening, 1),
        Line("Cash and cash equivalents, end of year", closing, 0, "total", "cash_and_equivalents"),
    )


def annual() -> tuple[Statement, ...]:
    """Income and cash flow of 2024, 2023 and 2022, balance sheets of 2024 and 2023."""
    years = fiscal_years()
    three, two = (2024, 2023, 2022), (2024, 2023)
    caption, spans = "(In millions, except per share amounts)", tuple(str(year) for year in three)
    return (
        Statement(
            "Consolidated Statements of Income", "income", spans, three, income(years[-3:]), 1_000_000, caption, "en"
        ),
        Statement(
            "Consolidated Balance Sheets",
            "balance",
            spans[:2],
            two,
            balance(years[-2:]),
            1_000_000,
            "(In millions)",
            "en",
        ),
        Statement(
            "Consolidated Statements of Cash Flows",
            "cash_flow",
            spans,
            three,
            cash_flow(years[-4:]),
            1_000_000,
            "(In millions)",
            "en",
        ),
    )
