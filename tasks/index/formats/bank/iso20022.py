"""ISO 20022: CAMT.052, .053 and .054 (reports, statements, advices), pain.001 and pain.008 (payments, direct debits), and CBI's wrappers.

CBI puts the same blocks under names of its own (`CBIPaymentRequest`); blocks are found wherever they stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Literal

from tasks.index.formats.tree import Node
from tasks.office.invoice import ZERO
from tasks.office.records import Movement, Statement

_OPENING, _CLOSING = ("OPBD", "PRCD", "OPAV"), ("CLBD", "ITBD", "CLAV")
_REPORTS: dict[str, tuple[Literal["statement", "advice"], str]] = {
    "Stmt": ("statement", "CAMT.053"),
    "Rpt": ("statement", "CAMT.052"),
    "Ntfctn": ("advice", "CAMT.054"),
}


def statements(root: Node) -> list[Statement]:
    """Return every statement, report or advice of a CAMT file, in order."""
    return [_report(node) for node in _found(root, tuple(_REPORTS))]


def orders(root: Node) -> list[Statement]:
    """Return the payments of a pain file, a block each; a single block takes the sums of the group's head."""
    blocks = _found(root, ("PmtInf",))
    head = next(iter(_found(root, ("GrpHdr",))), None)
    return [_order(block, head if len(blocks) == 1 else None, head) for block in blocks]


def _found(node: Node, names: tuple[str, ...]) -> list[Node]:
    """Return nodes of these names at any depth, not looked into further."""
    found: list[Node] = []
    stack = list(node.children())[::-1] if node.name not in names else [node]
    while stack:
        here = stack.pop()
        if here.name in names:
            found.append(here)
        else:
            stack += list(here.children())[::-1]
    return found


# ---- CAMT ------------------------------------------------------------------------------------------------------------


def _report(node: Node) -> Statement:
    kind, form = _REPORTS[node.name]
    balances = {code: b for b in node.all("Bal") if (code := b.text("Tp/CdOrPrtry/Cd", "Tp/Cd"))}
    opening = next((balances[c] for c in _OPENING if c in balances), None)
    closing = next((balances[c] for c in _CLOSING if c in balances), None)
    booked = [entry for entry in node.all("Ntry") if entry.text("Sts/Cd", "Sts") not in ("PDNG", "INFO")]
    if left := len(node.all("Ntry")) - len(booked):
        node.problems.append(f"{left} entries that are not booked yet were left out")
    entries = [entry for entry in booked if entry.text("CdtDbtInd")]
    if left := len(booked) - len(entries):
        node.problems.append(f"{left} entries that do not say whether money came in or went out were left out")
    found = [movement for entry in entries for movement in _movements(entry)]
    return Statement(
        kind=kind,
        format=form,
        account=node.text("Acct/Id/IBAN", "Acct/Id/Othr/Id"),
        holder=node.text("Acct/Ownr/Nm", "Acct/Nm"),
        currency=node.text("Acct/Ccy") or _currency(opening or closing) or "EUR",
        opening=_amount(opening) if opening else None,
        opening_day=_day(opening, "Dt") if opening else None,
        closing=_amount(closing) if closing else None,
        closing_day=_day(closing, "Dt") if closing else None,
        movements=tuple(replace(movement, line=line) for line, movement in enumerate(found, 1)),
        number=node.text("ElctrncSeqNb", "LglSeqNb", "Id"),
    )


def _currency(balance: Node | None) -> str:
    amount = balance.first("Amt") if balance else None
    return amount.attribute("Ccy") if amount else ""


def _amount(node: Node, path: str = "Amt") -> Decimal:
    value = node.number(path) or ZERO
    return -value if node.text("CdtDbtInd") == "DBIT" else value


def _day(node: Node, path: str) -> date | None:
    return node.day(f"{path}/Dt", f"{path}/DtTm", path)


def _movements(entry: Node) -> Iterator[Movement]:
    """Yield one movement an entry; a batch whose parts state amounts in its currency that sum to it is one movement a part."""
    details = entry.all("NtryDtls/TxDtls")
    total = _amount(entry)
    stated = [part for detail in details if (part := _part(detail, entry)) is not None]
    if len(details) > 1 and len(stated) == len(details) and sum(stated, ZERO) == total:
        for detail, amount in zip(details, stated, strict=True):
            yield _movement(entry, [detail], amount)
    else:
        yield _movement(entry, details, total)


def _part(detail: Node, entry: Node) -> Decimal | None:
    """Return the amount of a part of a batch, on its own side where it names one; None for one in another currency."""
    stated = detail.first("Amt", "AmtDtls/TxAmt/Amt")
    amount, whole = stated.number("") if stated else None, entry.first("Amt")
    if stated is None or amount is None or not whole:
        return None
    if stated.attribute("Ccy") not in ("", whole.attribute("Ccy")):
        return None
    return -amount if (detail.text("CdtDbtInd") or entry.text("CdtDbtInd")) == "DBIT" else amount


def _movement(entry: Node, details: list[Node], amount: Decimal) -> Movement:
    other = "Dbtr" if amount >= 0 else "Cdtr"
    texts = [
        t
        for d in details
        for t in (
            *d.texts("RmtInf/Ustrd"),
            d.text("RmtInf/Strd/CdtrRefInf/Ref"),
            d.text("RmtInf/Strd/RfrdDocInf/Nb"),
            d.text("AddtlTxInf"),
        )
        if t
    ]
    name = next((n for d in details if (n := d.text(f"RltdPties/{other}/Nm", f"RltdPties/{other}/Pty/Nm"))), "")
    iban = next((n for d in details if (n := d.text(f"RltdPties/{other}Acct/Id/IBAN"))), "")
    ends = [d.text("Refs/EndToEndId") for d in details]
    return Movement(
        line=0,  # its place among all movements is given by the caller
        day=_day(entry, "BookgDt") or _day(entry, "ValDt"),
        value_day=_day(entry, "ValDt"),
        amount=amount,
        text=" ".join(dict.fromkeys(texts)) or entry.text("AddtlNtryInf"),
        counterpart=name,
        iban=iban,
        reference=next((e for e in ends if e and e != "NOTPROVIDED"), entry.text("AcctSvcrRef", "NtryRef")),
    )


# ---- pain ------------------------------------------------------------------------------------------------------------


def _order(block: Node, sums: Node | None, head: Node | None) -> Statement:
    debits = block.all("DrctDbtTxInf")
    transactions = debits or block.all("CdtTrfTxInf")
    own, other, sign = ("Cdtr", "Dbtr", 1) if debits else ("Dbtr", "Cdtr", -1)
    day = _day(block, "ReqdColltnDt" if debits else "ReqdExctnDt")
    stated = block if block.text("CtrlSum") else sums
    count = (stated.number("NbOfTxs") if stated else None) or None
    first = transactions[0].first("Amt/InstdAmt", "InstdAmt") if transactions else None
    return Statement(
        kind="receivables" if debits else "orders",
        format="pain.008" if debits else "pain.001",
        account=block.text(f"{own}Acct/Id/IBAN"),
        holder=block.text(f"{own}/Nm") or (head.text("InitgPty/Nm") if head else ""),
        currency=(first.attribute("Ccy") if first else "") or "EUR",
        stated_sum=stated.number("CtrlSum") if stated else None,
        stated_count=int(count) if count is not None else None,
        movements=tuple(
            Movement(
                line=line,
                day=day,
                amount=(node.number("Amt/InstdAmt", "InstdAmt") or ZERO) * sign,
                text=" ".join((*node.texts("RmtInf/Ustrd"), *node.texts("RmtInf/Strd/CdtrRefInf/Ref"))),
                counterpart=node.text(f"{other}/Nm"),
                iban=node.text(f"{other}Acct/Id/IBAN"),
                reference=node.text("PmtId/EndToEndId"),
            )
            for line, node in enumerate(transactions, 1)
        ),
        number=(head.text("MsgId") if head else "") or block.text("PmtInfId"),
    )
