"""Movements of the bank against instalments: amount and number, or amount and party, never the amount alone.

A payment that names several invoices pays them all when their instalments sum to it. The same movement in two files (an MT940 and a CSV of
one month, say) is one movement. Where several instalments fit, the earliest open one is paid.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

Row = dict[str, Any]

EARLY = timedelta(days=5)
"""A payment may stand in the account a few days before its invoice is dated; earlier it pays something else."""

_FIRM = frozenset(
    "srl srls spa sas snc sapa scarl coop societa cooperativa studio associati ltd limited gmbh inc llc plc ag kg sa sarl bv nv ditta".split()
)
_NAMED = r"(?:ft|fatt|fatt(?:ura|ure)|fattura n|invoice|inv|doc|n|nr|no|rif|nota|parcella)\W{0,4}"


def match(dues: Sequence[Row], movements: Sequence[Row]) -> None:
    """Add `paid_by`, `paid_on`, `paid` to instalments and `matched`, `same_as` to movements of statements; orders give `ordered_on`."""
    for due in dues:
        due.update(paid_by="", paid_on=None, paid=0.0, ordered_on=None)
    for movement in movements:
        movement.update(matched="", same_as="")
    once([m for m in movements if m["kind"] in ("statement", "advice")])
    open_dues = [d for d in dues if d["amount"] and not d["duplicate"] and not d["rejected"]]
    by_cents: dict[int, list[Row]] = defaultdict(list)
    for due in sorted(open_dues, key=lambda d: d["due"] or date.max):
        by_cents[_cents(due["amount"])].append(due)
    numbers = _Numbers(open_dues)
    for movement in sorted(movements, key=lambda m: m["date"] or date.max):
        if not movement["same_as"]:
            _settle(movement, by_cents, numbers)


def _settle(movement: Row, by_cents: Mapping[int, list[Row]], numbers: _Numbers) -> None:
    done = "ordered_on" if movement["kind"] in ("orders", "receivables") else "paid_on"
    same = [d for d in by_cents.get(_cents(movement["amount"]), []) if d[done] is None and _in_time(movement, d)]
    found = _of_one_invoice(movement, same) or numbers.several(movement, done)
    for due in found:
        due[done] = movement["date"]
        if done == "paid_on":
            due["paid"], due["paid_by"] = due["amount"], f"{movement['path']}#{movement['line']}"
    movement["matched"] = ", ".join(dict.fromkeys(due["number"] for due in found))


def _of_one_invoice(movement: Row, candidates: Sequence[Row]) -> list[Row]:
    """Return the first instalment of the same amount whose number the movement names; else whose party it names and nobody else's."""
    text = f"{movement['text']} {movement['reference']}"
    if named := [d for d in candidates if names_number(text, d["number"])]:
        return named[:1]
    parties = [d for d in candidates if _names_party(movement, d)]
    return parties[:1] if len({(d["supplier"], d["customer"]) for d in parties}) == 1 else []


def _in_time(movement: Row, due: Row) -> bool:
    return not (movement["date"] and due["date"]) or movement["date"] >= due["date"] - EARLY


def _cents(amount: float) -> int:
    return abs(round(amount * 100))


class _Numbers:
    """Instalments by the first digits of their number, to look up the numbers in a text without trying every invoice."""

    def __init__(self, dues: Iterable[Row]) -> None:
        self._by_token: dict[str, list[Row]] = defaultdict(list)
        for due in dues:
            for token in tokens(due["number"])[:1]:
                self._by_token[token].append(due)

    def several(self, movement: Row, done: str) -> list[Row]:
        """Return the next instalment of each invoice that a text names, where there are several and they sum to the movement."""
        text = f"{movement['text']} {movement['reference']}"
        found: dict[tuple[str, str], Row] = {}
        for token in dict.fromkeys(tokens(text)):
            for due in self._by_token.get(token, []):
                key = (due["supplier_vat"] or due["supplier"], due["number"])
                if (
                    due[done] is None
                    and key not in found
                    and _in_time(movement, due)
                    and names_number(text, due["number"])
                ):
                    found[key] = due
        total = sum(_cents(d["amount"]) * (1 if d["amount"] > 0 else -1) for d in found.values())
        return list(found.values()) if len(found) > 1 and abs(total) == _cents(movement["amount"]) else []


def tokens(text: str) -> list[str]:
    """Return runs of letters and digits, capitals, numbers without leading zeros."""
    return [token.lstrip("0") or "0" for token in re.findall(r"[^\W_]+", text.upper())]


def names_number(text: str, number: str) -> bool:
    """Tell whether a text names an invoice's number: its parts in order, any signs between them.

    A number of one or two characters counts only behind a word for an invoice: `RATA 1` does not name invoice 1.
    """
    pattern = _number_pattern(number)
    return bool(pattern and pattern.search(text.upper()))


@lru_cache(maxsize=20_000)
def _number_pattern(number: str) -> re.Pattern[str] | None:
    parts = tokens(number)
    if not any(c.isdigit() for part in parts for c in part):
        return None
    body = r"\W{0,3}".join(rf"0*{re.escape(part)}" for part in parts)
    short = sum(map(len, parts)) < 3
    return re.compile(rf"(?<![A-Z0-9]){_NAMED.upper() if short else ''}{body}(?![A-Z0-9]|[.,]\d)")


def _names_party(movement: Row, due: Row) -> bool:
    """Tell whether a movement names the party: money out goes to the supplier, money in comes from the customer; by
    account, VAT number or every word of the name.
    """
    out = movement["amount"] < 0
    side = "supplier" if out else "customer"
    if out and movement["iban"] and movement["iban"] == due["iban"]:
        return True
    text = f"{movement['text']} {movement['counterpart']} {movement['reference']}"
    vat = str(due[f"{side}_vat"] or "").removeprefix("IT")
    if len(vat) >= 8 and vat in text:
        return True
    wanted = name_words(due[side] or "")
    return bool(wanted) and wanted <= name_words(text)


@lru_cache(maxsize=20_000)
def name_words(name: str) -> frozenset[str]:
    """Return the words of a firm's name that tell it from others: no legal form, no one-letter words."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    words = re.findall(r"[a-z0-9]+", plain.replace(".", ""))
    return frozenset(word for word in words if len(word) > 1 and word not in _FIRM)


def once(movements: Sequence[Row]) -> None:
    """Mark movements that stand in another file too: same day and amount, accounts that do not contradict each other.

    Of files that hold such a movement the one with most of them counts; a day with two equal payments in one file has two.
    """
    groups: dict[tuple[Any, int, bool], list[Row]] = defaultdict(list)
    for movement in movements:
        groups[movement["date"], _cents(movement["amount"]), movement["amount"] < 0].append(movement)
    for group in groups.values():
        counts = Counter(m["document_id"] for m in group)
        if len(counts) < 2:
            continue
        accounts = {m["account"] for m in group if m["account"]}
        for account in accounts or {""}:
            same = [m for m in group if m["account"] in (account, "")]
            _keep_one_file(same)


def _keep_one_file(group: Sequence[Row]) -> None:
    counts = Counter(m["document_id"] for m in group)
    kept = max(
        sorted(counts),
        key=lambda document: (counts[document], any(m["account"] for m in group if m["document_id"] == document)),
    )
    first = next(m for m in group if m["document_id"] == kept)
    for movement in group:
        if movement["document_id"] != kept and not movement["same_as"]:
            movement["same_as"] = f"{first['path']}#{first['line']}"
