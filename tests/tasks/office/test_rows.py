"""Every record, drawn from its own types: it survives the file borders, and its rows have the columns that are declared."""

from __future__ import annotations

import json
from dataclasses import is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.office.invoice import Invoice
from tasks.office.records import (
    Book,
    ExchangeReceipt,
    Expiry,
    Record,
    Statement,
    TaxPayment,
    VatRegister,
    VatReturn,
    as_data,
    from_data,
)
from tasks.office.rows import COLUMNS, Paper, kind_row, rows

BASE = {"row_id", "document_id", "path", "content_hash"}
TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "number": (float, int),
    "integer": (int,),
    "date": (date,),
    "moment": (datetime,),
    "flag": (bool,),
}
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    Decimal: st.decimals(-(10**9), 10**9, places=2),
    int: st.integers(0, 9_999),
    bool: st.booleans(),
    str: st.sampled_from(["", "IT01234567890", "1", "TD04", "381", "società & figli", "'); --", "EUR"]),
    date: st.dates(date(1990, 1, 1), date(2040, 12, 31)),
    datetime: st.datetimes(timezones=st.just(UTC)),
    type(None): st.none(),
}


def drawn(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that records are made of."""
    parts = get_args(kind)
    if is_dataclass(kind):
        return st.builds(kind, **{name: drawn(hint) for name, hint in get_type_hints(kind).items()})  # type: ignore[arg-type]
    if get_origin(kind) is Literal:
        return st.sampled_from(parts)
    if get_origin(kind) is tuple:
        return st.lists(drawn(parts[0]), max_size=3).map(tuple) if Ellipsis in parts else st.tuples(*map(drawn, parts))
    return st.one_of(*map(drawn, parts)) if parts else PLAIN[kind]


@pytest.mark.parametrize(
    "kind", [Invoice, ExchangeReceipt, Statement, VatRegister, Book, TaxPayment, VatReturn, Expiry]
)
@settings(max_examples=15)
@given(st.data())
def test_each_row_of_a_record_has_its_declared_columns_with_their_types(
    kind: type[Record], data: st.DataObject
) -> None:
    record: Any = data.draw(drawn(kind))
    assert from_data(json.loads(json.dumps(as_data([record])))) == [record]
    made = list(rows(Paper("d", "a/b.xml", "h"), [record, record]))
    keys = [(table, row["row_id"]) for table, row in made]
    assert len(set(keys)) == len(keys)
    for table, row in made:
        assert set(row) - BASE <= set(COLUMNS[table]), table
        for column, cell in row.items():
            wanted = TYPES[COLUMNS[table].get(column, "text")]
            assert cell is None or isinstance(cell, wanted), (table, column, cell)
            assert not (isinstance(cell, bool) and bool not in wanted), (table, column)
    head = kind_row(Paper("d", "a/b.xml", "h"), [record], {}, "guess")
    assert (head["document_kind"] == "guess") == (kind is Expiry), "any paper may hold a day on which it ends"


def test_a_paper_without_records_is_what_its_text_says() -> None:
    assert kind_row(Paper("d", "p", "h"), [], {"signed_by": "Anna"}, "contract")["document_kind"] == "contract"
