"""Rolls a firm's books forward, year by year, so that its statements tie together to the last euro.

Balance sheet items follow the size of the business; cash is what the cash flow leaves. Assets therefore equal
liabilities plus equity, and the cash flow statement explains the change in cash, by construction; `check` proves it.
Amounts are whole units of the firm's own scale (euro, or thousands of euro). Costs are positive.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Year:
    """One year: the income statement, the year-end balances and the cash flows that lead from one to the other."""

    year: int
    # income statement, by nature
    revenue: int = 0
    product_change: int = 0
    other_income: int = 0
    materials: int = 0
    services: int = 0
    rents: int = 0
    wages: int = 0
    social: int = 0
    severance: int = 0
    staff_other: int = 0
    amortisation: int = 0
    depreciation: int = 0
    writedown: int = 0
    material_change: int = 0
    provisions: int = 0
    other_costs: int = 0
    financial_income: int = 0
    interest: int = 0
    tax_current: int = 0
    tax_deferred: int = 0
    minority_result: int = 0
    # balance sheet
    development: int = 0
    licences: int = 0
    goodwill: int = 0
    land: int = 0
    plant: int = 0
    equipment: int = 0
    holdings: int = 0
    raw: int = 0
    finished: int = 0
    trade_receivables: int = 0
    tax_receivables: int = 0
    other_receivables: int = 0
    cash: int = 0
    prepaid: int = 0
    capital: int = 0
    legal_reserve: int = 0
    reserves: int = 0
    minorities: int = 0
    funds: int = 0
    severance_fund: int = 0
    banks_short: int = 0
    banks_long: int = 0
    trade_payables: int = 0
    tax_payables: int = 0
    social_payables: int = 0
    other_payables: int = 0
    accrued: int = 0
    # flows that the two do not show
    capex: int = 0
    intangible_capex: int = 0
    disposals: int = 0
    severance_paid: int = 0
    funds_used: int = 0
    dividends: int = 0
    buyback: int = 0
    new_loans: int = 0
    repaid: int = 0
    short_change: int = 0

    @property
    def value(self) -> int:
        return self.revenue + self.product_change + self.other_income

    @property
    def personnel(self) -> int:
        return self.wages + self.social + self.severance + self.staff_other

    @property
    def depreciations(self) -> int:
        return self.amortisation + self.depreciation

    @property
    def costs(self) -> int:
        bought = self.materials + self.services + self.rents + self.material_change
        return bought + self.personnel + self.depreciations + self.writedown + self.provisions + self.other_costs

    @property
    def ebit(self) -> int:
        return self.value - self.costs

    @property
    def financial(self) -> int:
        return self.financial_income - self.interest

    @property
    def pretax(self) -> int:
        return self.ebit + self.financial

    @property
    def tax(self) -> int:
        return self.tax_current + self.tax_deferred

    @property
    def result(self) -> int:
        """Net result of the whole, minorities included."""
        return self.pretax - self.tax

    @property
    def group_result(self) -> int:
        return self.result - self.minority_result

    @property
    def intangible(self) -> int:
        return self.development + self.licences + self.goodwill

    @property
    def tangible(self) -> int:
        return self.land + self.plant + self.equipment

    @property
    def fixed(self) -> int:
        return self.intangible + self.tangible + self.holdings

    @property
    def inventory(self) -> int:
        return self.raw + self.finished

    @property
    def receivables(self) -> int:
        return self.trade_receivables + self.tax_receivables + self.other_receivables

    @property
    def current_assets(self) -> int:
        return self.inventory + self.receivables + self.cash

    @property
    def assets(self) -> int:
        return self.fixed + self.current_assets + self.prepaid

    @property
    def equity(self) -> int:
        """Equity of the shareholders of the parent, this year's result included."""
        return self.capital + self.legal_reserve + self.reserves + self.group_result

    @property
    def debts_short(self) -> int:
        return self.banks_short + self.trade_payables + self.tax_payables + self.social_payables + self.other_payables

    @property
    def debts(self) -> int:
        return self.debts_short + self.banks_long

    @property
    def liabilities(self) -> int:
        return self.funds + self.severance_fund + self.debts + self.accrued


@dataclass(frozen=True)
class Flows:
    """The cash flow statement of one year, indirect method; every figure with its sign (money in is positive)."""

    inventory: int
    customers: int
    suppliers: int
    prepaid: int
    accrued: int
    other: int
    before_capital: int
    interest: int
    taxes: int
    funds_used: int
    operating: int
    investing: int
    financing: int
    net: int


@dataclass(frozen=True)
class Drivers:
    """How a firm earns and spends, as shares of revenue unless said otherwise."""

    seed: int
    growth: tuple[float, ...]
    materials: float
    services: float
    rents: float
    wages: float
    other_costs: float
    other_income: float
    capex: float
    days_receivable: int
    days_inventory: int
    days_payable: int
    payout: float  # of last year's result
    interest_rate: float  # of bank debt
    tax_rate: float = 0.279
    minority: float = 0.0  # share of the result
    buyback: float = 0.0
    lend: float = 0.02  # new loans
    goodwill: float = 0.08  # written off a year, of what is left; under IFRS nothing


def flows(before: Year, now: Year) -> Flows:
    """The cash flows between two year ends."""
    inventory = before.inventory - now.inventory
    customers = before.trade_receivables - now.trade_receivables - now.writedown
    suppliers = now.trade_payables - before.trade_payables
    prepaid, accrued = before.prepaid - now.prepaid, now.accrued - before.accrued
    other = (before.other_receivables - now.other_receivables) + (before.tax_receivables - now.tax_receivables)
    other += (now.social_payables - before.social_payables) + (now.other_payables - before.other_payables)
    gains = now.pretax - now.financial
    before_capital = gains + now.severance + now.provisions + now.depreciations + now.writedown
    taxes = -(now.tax_current + before.tax_payables - now.tax_payables)
    used = -(now.severance_paid + now.funds_used)
    working = inventory + customers + suppliers + prepaid + accrued + other
    operating = before_capital + working + now.financial + taxes + used
    investing = now.disposals - now.capex - now.intangible_capex
    financing = now.short_change + now.new_loans - now.repaid - now.dividends - now.buyback
    return Flows(
        inventory,
        customers,
        suppliers,
        prepaid,
        accrued,
        other,
        before_capital,
        now.financial,
        taxes,
        used,
        operating,
        investing,
        financing,
        operating + investing + financing,
    )


def roll(before: Year, drivers: Drivers, growth: float, dice: random.Random) -> Year:
    """The next year of the firm: shares of revenue with a little chance, balances by days, cash as what is left."""

    def share(rate: float, spread: float = 0.03) -> int:
        return round(revenue * rate * dice.uniform(1 - spread, 1 + spread))

    revenue = round(before.revenue * (1 + growth))
    wages = share(drivers.wages)
    capex, intangible_capex = share(drivers.capex, 0.2), share(drivers.capex / 6, 0.2)
    disposals = share(0.0006, 0.5)
    depreciation = round(before.tangible * 0.094)
    amortisation = (
        round(before.development * 0.2) + round(before.licences * 0.25) + round(before.goodwill * drivers.goodwill)
    )
    ordinary = intangible_capex // 3
    raw = round(revenue * drivers.materials * drivers.days_inventory / 365 * dice.uniform(0.95, 1.05))
    finished = round(revenue * drivers.days_inventory / 730 * dice.uniform(0.94, 1.05))
    repaid = round(before.banks_long * 0.17)
    new_loans = share(drivers.lend, 0.3)
    short = round(before.banks_short * dice.uniform(0.9, 1.07))
    severance, provisions = round(wages * 0.071), share(0.0012, 0.4)
    net_ppe = before.tangible + capex - disposals - depreciation
    land, plant = round(net_ppe * 0.49), round(net_ppe * 0.36 * dice.uniform(0.97, 1.03))
    social = round(wages * 0.297)
    now = Year(
        year=before.year + 1,
        revenue=revenue,
        product_change=finished - before.finished,
        other_income=share(drivers.other_income, 0.2),
        materials=share(drivers.materials, 0.015),
        services=share(drivers.services),
        rents=share(drivers.rents),
        wages=wages,
        social=social,
        severance=severance,
        staff_other=round(wages * 0.011),
        amortisation=amortisation,
        depreciation=depreciation,
        writedown=share(0.0011, 0.4),
        material_change=before.raw - raw,
        provisions=provisions,
        other_costs=share(drivers.other_costs, 0.1),
        financial_income=share(0.0007, 0.4),
        interest=round((before.banks_long + before.banks_short) * drivers.interest_rate * dice.uniform(0.95, 1.05)),
        development=before.development - round(before.development * 0.2) + ordinary,
        licences=before.licences - round(before.licences * 0.25) + intangible_capex - ordinary,
        goodwill=before.goodwill - round(before.goodwill * drivers.goodwill),
        land=land,
        plant=plant,
        equipment=net_ppe - land - plant,
        holdings=before.holdings,
        raw=raw,
        finished=finished,
        trade_receivables=round(revenue * drivers.days_receivable / 365 * dice.uniform(0.95, 1.05)),
        tax_receivables=share(0.006, 0.2),
        other_receivables=share(0.004, 0.2),
        prepaid=share(0.0025, 0.2),
        capital=before.capital,
        funds=before.funds + provisions,
        severance_fund=before.severance_fund + severance,
        banks_short=short,
        banks_long=before.banks_long + new_loans - repaid,
        trade_payables=round(revenue * (drivers.materials + drivers.services) * drivers.days_payable / 365),
        social_payables=round(social * 0.14),
        other_payables=share(0.017, 0.1),
        accrued=share(0.0021, 0.2),
        capex=capex,
        intangible_capex=intangible_capex,
        disposals=disposals,
        severance_paid=round(before.severance_fund * 0.11),
        funds_used=round(before.funds * 0.13),
        dividends=int(max(before.group_result, 0) * drivers.payout) // 100 * 100,
        buyback=share(drivers.buyback, 0.1),
        new_loans=new_loans,
        repaid=repaid,
        short_change=short - before.banks_short,
    )
    return _close(before, now, drivers)


def _close(before: Year, now: Year, drivers: Drivers) -> Year:
    """Taxes, the reserves after the general meeting, and cash."""
    current = round(max(now.pretax, 0) * drivers.tax_rate)
    deferred = -round(now.provisions * 0.24)
    now = replace(
        now,
        tax_current=current,
        tax_deferred=deferred,
        tax_payables=round(current * 0.22) + round(now.wages * 0.02),
        funds=now.funds - now.funds_used + deferred,
        severance_fund=now.severance_fund - now.severance_paid,
    )
    minority = round(now.result * drivers.minority)
    legal = min(before.legal_reserve + round(max(before.group_result, 0) * 0.05), before.capital // 5)
    reserves = before.reserves + before.group_result - now.dividends - now.buyback - (legal - before.legal_reserve)
    now = replace(
        now,
        minority_result=minority,
        legal_reserve=legal,
        reserves=reserves,
        minorities=before.minorities + before.minority_result,
    )
    return replace(now, cash=before.cash + flows(before, now).net)


def open_books(year: int, revenue: int, capital: int, drivers: Drivers, **balances: int) -> Year:
    """The first year end, with the reserves as what makes it balance."""
    costs = round(revenue * 0.962)
    first = Year(year=year, revenue=revenue, materials=costs, capital=capital, legal_reserve=capital // 8, **balances)
    gap = first.assets - first.liabilities - first.capital - first.legal_reserve - first.minorities - first.group_result
    return replace(first, reserves=gap)


def history(first: Year, drivers: Drivers) -> tuple[Year, ...]:
    """All years, the opening one included."""
    dice, years = random.Random(drivers.seed), [first]
    for growth in drivers.growth:
        years.append(roll(years[-1], drivers, growth, dice))
        check(years[-2], years[-1])
    return tuple(years)


def check(before: Year, now: Year) -> None:
    """Raise ValueError when a year does not balance or has cash or equity below zero."""
    if now.assets != now.equity + now.minorities + now.minority_result + now.liabilities:
        raise ValueError(f"{now.year} does not balance by {now.assets - now.equity - now.liabilities}")
    if now.cash != before.cash + flows(before, now).net or now.cash <= 0:
        raise ValueError(f"{now.year}: cash of {now.cash} is not what the flows leave, or is negative")
    if min(now.equity, now.result, now.funds, now.severance_fund, now.equipment) <= 0:
        raise ValueError(f"{now.year}: a balance that must be positive is not")
