"""From the lines of a statement to figures: one line an item, with the sign that the item's definition asks for.

Items take the best wording present, the first line among equals. A few need more than one line, and only then are
values put together: debt due within the year (borrowings and the current portion), depreciation beside amortisation,
cost of products beside cost of services when gross profit proves the sum. Such a figure says so in its label.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from tasks.analyse.statements.find_statements import Statement
from tasks.analyse.statements.match_labels import canonical, match_anchors, match_items, reversed_sign
from tasks.analyse.statements.picks import Pick, Values, add, best_picks, combine, pick_of
from tasks.analyse.statements.read_civil_code import civil_picks, is_civil, read_debts
from tasks.analyse.statements.read_grids import Line

_COSTS = (
    "cost_of_goods_sold",
    "research_and_development",
    "selling_general_administrative",
    "personnel_cost",
    "interest_expense",
)
_POSITIVE = (
    "capital_expenditure",
    "dividends_paid",
    "share_repurchases",
    "interest_expense",
    "depreciation_amortization",
)
_PER_SHARE = re.compile(
    r"per (?:common |ordinary )?share|per azione|weighted|average number|numero medio|outstanding|^basic|^diluted"
)
_PARTIAL_COST = re.compile(r"^costs? of (?!.*(?:total|hedg|capital))[a-z ]+$")
_OTHER_COST = re.compile(
    r"selling|administrative|research|marketing|advertis|restructuring|amortization|impairment|general"
)
_ALL_COSTS = re.compile(r"^total costs?(?: and expenses)?$")
_ACCUMULATED = re.compile(r"accumulated (?:depreciation|amortization)|fondi? ammortamento")
_SHARED = re.compile(r"attributable to|attribuibil[ei]|di cui|di pertinenza|spettante|ripartit")
_OWNERS = re.compile(
    r"gruppo|azionisti|\bsoci\b|capogruppo|controllante|owners|(?:share|stock)holders|"
    r"equity holders|parent"
)
_OTHERS = re.compile(r"terzi|minorit|minoranz|non ?controlling")
_KIND_OF_STOCK = re.compile(
    r"raw materials?|work in (?:process|progress)|finished|supplies|packaging|merchandise|"
    r"materie prime|semilavorat|in corso|prodotti finiti|merci"
)
_SHORT_DEBT = re.compile(
    r"^(?:short term|current).*(?:debt|borrowings?|loans?|notes|financing)|"
    r"^current (?:portion|maturities|installments).*(?:debt|borrowings|notes|loans|"
    r"obligations)|^commercial paper|"
    r"^(?:loans and )?notes payable|^loans payable|^bank overdrafts?|debt due within|(?:debt|"
    r"borrowings) (?:maturing|due) within|^(?:passivita finanziarie|debiti finanziari|"
    r"finanziamenti|prestiti|debiti verso banche).*corrent|"
    r"^quota corrente|^debt and lease obligations current|^debt current|^borrowings current"
)
_DEBT = re.compile(
    r"^(?:debt|borrowings|loans and borrowings|financial liabilities|senior notes.*|"
    r"convertible.*notes.*|notes payable|finanziamenti|debiti finanziari|"
    r"passivita finanziarie|prestiti obbligazionari|obbligazioni|"
    r"debiti verso banche)(?: net)?(?: .*)?$"
)
_LONG_DEBT = re.compile(
    r"^(?:long term|non ?current) (?:debt|borrowings|financing|notes|loans|"
    r"obligations)(?!.*current portion of)|^debt (?:non ?current|long term)|"
    r"^(?:passivita finanziarie|debiti finanziari|finanziamenti|prestiti|"
    r"debiti verso banche).*non corrent"
)
_CURRENT_TOTAL = re.compile(r"^total current liabilities|^totale passivita correnti|^totale passivo corrente")
_NON_CURRENT_HEAD = re.compile(r"^total current assets|^totale attivita correnti|^totale attivo corrente")
_ALL_TOTAL = re.compile(
    r"^total liabilities|^liabilities |^total .*(?:equity|deficit)|^totale (?:del )?(?:passiv|patrim)"
)
_NOT_DEBT = re.compile(
    r"operating lease|pension|deferred|trade|accounts payable|leasing|investments?$|"
    r"receivable|derivat|affiliat|related|crediti|attivita"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a statement says.

    `picks` are its items with a value a period, `sums` what only the checks need; `unread` says for an item, a text a
    period, why it is left out although it may be printed ("" where it is not left out).
    """

    picks: list[Pick]
    civil: bool
    sums: tuple[Pick, ...] = ()
    unread: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read_statement(statement: Statement) -> Reading:
    """Read the items of a statement."""
    lines = [line for line in statement.lines if not _PER_SHARE.search(line.norm)]
    civil = is_civil(lines, statement.kind)
    picks = best_picks(lines, statement.kind)
    sums: tuple[Pick, ...] = ()
    unread: dict[str, tuple[str, ...]] = {}
    if civil:
        picks |= civil_picks(lines, statement.kind, picks)
        if statement.kind == "balance_sheet" and (debts := read_debts(lines, picks)):
            picks |= debts.picks
            sums, unread = (debts.by_line,) if debts.by_line else (), debts.unread
    elif statement.kind == "income_statement":
        picks |= _income(lines, picks)
    elif statement.kind == "balance_sheet":
        picks |= _balance(lines, picks)
        unread = _open_ends(lines, picks)
    else:
        picks |= _cash_flow(lines, picks)
    kept = [pick for item, pick in picks.items() if not all(unread.get(item, ("",)))]
    return Reading([_signed(pick, picks) for pick in kept], civil, sums, unread)


def _open_ends(lines: Sequence[Line], picks: dict[str, Pick]) -> dict[str, tuple[str, ...]]:
    """Leave out debts, which are sums of lines, where the table breaks off before the total over them."""
    width = max((len(line.values) for line in lines), default=0)
    norms = [line.norm for line in lines]
    unread: dict[str, tuple[str, ...]] = {}
    if not any(_CURRENT_TOTAL.search(norm) for norm in norms) and any(map(_NON_CURRENT_HEAD.search, norms)):
        unread["short_term_debt"] = ("the total of the current liabilities was not read",) * width
    if not any(match_anchors(norm, "balance_sheet") and _ALL_TOTAL.search(norm) for norm in norms):
        text = ("the balance sheet was read only in part: its last line is missing",) * width
        unread |= dict.fromkeys(("short_term_debt", "long_term_debt"), text)
    return unread


def _income(lines: Sequence[Line], picks: dict[str, Pick]) -> dict[str, Pick]:
    found: dict[str, Pick] = {}
    share = _group_share(lines)
    if share and ("net_income" not in picks or picks["net_income"].rank > 1):
        found["net_income"] = share
    unlabelled = _unlabelled_total(lines, re.compile(r"revenue|sales|ricavi"))
    if unlabelled and ("revenue" not in picks or picks["revenue"].rank > 0):
        found["revenue"] = pick_of("revenue", unlabelled, 0, f"Total {unlabelled.section}")
    revenue = found.get("revenue") or picks.get("revenue")
    if "cost_of_goods_sold" not in picks:
        found |= _cost_of_sales(lines, revenue, picks.get("gross_profit"))
    cost = found.get("cost_of_goods_sold") or picks.get("cost_of_goods_sold")
    if "gross_profit" not in picks and revenue and cost:
        found |= _unlabelled_gross(lines, revenue, cost)
    return found


def _group_share(lines: Sequence[Line]) -> Pick | None:
    """Read what follows `Attributable to:` after net income: a line for the shareholders of the parent, one for the others."""
    for index, line in enumerate(lines):
        if _SHARED.search(canonical(line.section)) and _OWNERS.search(line.norm) and not _OTHERS.search(line.norm):
            before = [other.norm for other in lines[:index]]
            if any(
                match_items(norm, "income_statement") and "net_income" in dict(match_items(norm, "income_statement"))
                for norm in before
            ):
                return pick_of("net_income", line, 0, f"{line.section} {line.label}")
    return None


def _cost_of_sales(lines: Sequence[Line], revenue: Pick | None, gross: Pick | None) -> dict[str, Pick]:
    """Return cost of sales under another name: a total of costs with nothing but costs of sales above it, or its parts."""
    parts = [line for line in lines if _PARTIAL_COST.match(line.norm)]
    for index, line in enumerate(lines):
        if _ALL_COSTS.match(line.norm) and parts:
            above = lines[:index]
            if any(_OTHER_COST.search(other.norm) for other in above):
                break
            return {"cost_of_goods_sold": pick_of("cost_of_goods_sold", line, 1)}
    if len(parts) == 1:
        return {"cost_of_goods_sold": pick_of("cost_of_goods_sold", parts[0], 2)}
    if len(parts) > 1 and revenue and gross:
        whole = combine("cost_of_goods_sold", parts, 2, "sum of the costs of sales, proved by gross profit")
        if _equal(add(revenue.values, whole.values, -1), gross.values) or _equal(
            add(revenue.values, whole.values), gross.values
        ):
            return {"cost_of_goods_sold": whole}
    return {}


def _unlabelled_gross(lines: Sequence[Line], revenue: Pick, cost: Pick) -> dict[str, Pick]:
    """Return a line without label just below the cost of sales that is revenue less that cost: gross profit."""
    expected = add(revenue.values, tuple(abs(value) if value is not None else None for value in cost.values), -1)
    for line in lines:
        if not line.norm and _equal(line.values, expected):
            return {
                "gross_profit": pick_of("gross_profit", line, 0, "(line without label: revenue less cost of sales)")
            }
    return {}


def _unlabelled_total(lines: Sequence[Line], section: re.Pattern[str]) -> Line | None:
    """Return a line without label that is the sum of the lines above it in its section."""
    for index, line in enumerate(lines):
        if line.norm or not section.search(canonical(line.section)):
            continue
        parts = [other for other in lines[:index] if other.section == line.section]
        if len(parts) > 1 and _equal(combine("", parts, 0, "").values, line.values):
            return line
    return None


def _equal(first: Values, second: Values) -> bool:
    """Tell whether two rows agree wherever both have a value (and do so at least once)."""
    both = [(one, two) for one, two in zip(first, second, strict=False) if one is not None and two is not None]
    return bool(both) and all(one == two for one, two in both)


def _balance(lines: Sequence[Line], picks: dict[str, Pick]) -> dict[str, Pick]:
    found: dict[str, Pick] = {}
    regions = list(_regions(lines))
    short = [line for line, region in regions if region == "current liabilities" and _is_debt(line, _SHORT_DEBT)]
    long = [line for line, region in regions if region == "non-current liabilities" and _is_debt(line, _LONG_DEBT)]
    if short:
        found["short_term_debt"] = combine("short_term_debt", short, 0)
    if long:
        found["long_term_debt"] = combine("long_term_debt", long, 0)
    if "inventory" not in picks and (inventory := _sum_of_section(lines)):
        found["inventory"] = inventory
    net = _net_property(lines)
    if net and ("property_plant_equipment" not in picks or picks["property_plant_equipment"].rank > 0):
        found["property_plant_equipment"] = net
    return found


def _sum_of_section(lines: Sequence[Line]) -> Pick | None:
    """Sum inventories that are printed only by kind, under a head of their own."""
    head = re.compile(r"^(?:net |merchandise )?inventor|^rimanenze")
    kinds: list[Line] = []
    for line in lines:
        opens = head.match(canonical(line.section)) or head.match(line.norm)
        if _KIND_OF_STOCK.search(line.norm) and (opens or kinds):
            kinds.append(line)
        elif kinds:
            break
    if len(kinds) < 2:
        return None
    return combine("inventory", kinds, 2, "sum of the kinds of inventory under their head")


def _is_debt(line: Line, named: re.Pattern[str]) -> bool:
    return bool(named.search(line.norm) or _DEBT.search(line.norm)) and not _NOT_DEBT.search(line.norm)


def _regions(lines: Sequence[Line]) -> Iterator[tuple[Line, str]]:
    """Yield each line with its part of the balance sheet, from section heads where there are some, else from the totals."""
    region, section = "assets", ""
    for line in lines:
        if line.section != section:
            section = line.section
            region = _region_of_head(canonical(section)) or region
        elif region == "assets" and re.search(
            r"^accounts payable|^trade payables|^short term (?:debt|borrowings)", line.norm
        ):
            region = "current liabilities"
        yield line, region
        if re.search(r"^total current liabilities|^totale passivita correnti|^totale passivo corrente", line.norm):
            region = "non-current liabilities"
        elif re.search(r"^total (?:non ?current|long term) liabilities|^totale passivita non correnti", line.norm):
            region = "current liabilities"
        elif re.search(r"^total liabilities$|^totale passivita$|^total .*equity$|^totale patrimonio netto", line.norm):
            region = "equity" if "equity" not in line.norm and "netto" not in line.norm else region


def _region_of_head(head: str) -> str:
    if re.search(r"non ?current liabilities|long term liabilities|passivita non correnti|passivo non corrente", head):
        return "non-current liabilities"
    if re.search(r"current liabilities|passivita correnti|passivo corrente|^liabilities", head):
        return "current liabilities"
    if re.search(r"(?:share|stock)(?:holders|owners)|^equity|^patrimonio netto", head) and not re.search(
        r"^liabilit", head
    ):
        return "equity"
    return "assets" if re.search(r"assets|attivita (?:non )?corrent|^attivo", head) else ""


def _net_property(lines: Sequence[Line]) -> Pick | None:
    """Return an unlabelled or `total` line after accumulated depreciation that is the difference: net property."""
    for before, line, after in zip(lines, lines[1:], [*lines[2:], None], strict=False):
        del after
        if _ACCUMULATED.search(line.norm) or not _ACCUMULATED.search(before.norm):
            continue
        if not line.norm or re.match(r"^(?:total|net)?\s*(?:property|plant|land|fixed|net$)", line.norm):
            return pick_of(
                "property_plant_equipment", line, 0, line.label or "(line without label after accumulated depreciation)"
            )
    return None


def _cash_flow(lines: Sequence[Line], picks: dict[str, Pick]) -> dict[str, Pick]:
    """Return depreciation with amortisation beside it, when no line has both."""
    if "depreciation_amortization" in picks:
        return {}
    depreciation = [
        line for line in lines if re.match(r"^(?:total )?depreciation(?: expense| of .*| and depletion)?$", line.norm)
    ]
    amortization = [
        line
        for line in lines
        if re.match(
            r"^amortization(?: expense)?(?: and (?:other|impairment).*| of .*intangible.*|"
            r" of (?:purchased|acquired|acquisition).*| impairment and other)?$",
            line.norm,
        )
    ]
    if not depreciation:
        return {}
    return {
        "depreciation_amortization": combine("depreciation_amortization", [*depreciation[:1], *amortization[:1]], 1)
    }


def _signed(pick: Pick, picks: dict[str, Pick]) -> Pick:
    """Return the pick with the sign of its definition: costs and payments positive, income tax positive when a charge."""
    if pick.item in _POSITIVE and not _names_income(pick):
        return pick.with_values(tuple(abs(value) if value is not None else None for value in pick.values))
    if pick.item in _COSTS and not _names_income(pick):
        positive = sum(1 for value in pick.values if value is not None and value > 0)
        negative = sum(1 for value in pick.values if value is not None and value < 0)
        return pick.negated() if negative > positive else pick
    if pick.item == "income_tax":
        return _signed_tax(pick, picks)
    return pick


def _names_income(pick: Pick) -> bool:
    """Tell whether a label names income: in `Interest expense (income)`, `Interest (income) expense` a negative
    amount is income and stays negative.
    """
    label = pick.label.lower()
    return bool(re.search(r"expense\s*/?\s*\(income\)|\(income\)\s*/?\s*expense|oneri\s*\(proventi\)", label))


def _signed_tax(tax: Pick, picks: dict[str, Pick]) -> Pick:
    """Make a charge positive: proved by pre-tax less tax = net income where these are there, else told by the label."""
    pretax, net = picks.get("pretax_income"), picks.get("net_income")
    if pretax and net:
        as_is = _distance(add(pretax.values, tax.values, -1), net.values)
        flipped = _distance(add(pretax.values, tax.values), net.values)
        if as_is is not None and flipped is not None and as_is != flipped:
            return tax if as_is < flipped else tax.negated()
    return tax.negated() if reversed_sign(tax.label) else tax


def _distance(first: Values, second: Values) -> Decimal | None:
    gaps = [abs(one - two) for one, two in zip(first, second, strict=False) if one is not None and two is not None]
    return sum(gaps, Decimal(0)) if gaps else None
