"""Filters of the lake: columns and what they must be, as SQL in which every value is quoted by its column's type."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from infra.errors import UsageError

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Compare:
    """A condition other than equality: `low` and `high` are both inside; None is an open end. `negated` turns it round."""

    low: Value = None
    high: Value = None
    negated: bool = False
    holds: str = ""


Filter = Mapping[str, Value | Sequence[str] | Sequence[int] | Compare]

IN_LIST = 2_000  # values of one IN list: longer ones are split into several predicates


def single(schema: pa.Schema, where: Filter | None) -> str | None:
    """Return the filter as one SQL condition; None for no filter.

    Raises:
        UsageError: a column or a value does not fit the schema.
    """
    parts = list(predicates(schema, where))
    return parts[0] if len(parts) == 1 else " OR ".join(f"({part})" for part in parts if part)


def predicates(schema: pa.Schema, where: Filter | None) -> Iterator[str | None]:
    """Yield SQL conditions whose union is the filter; several only where one list of values is too long for one."""
    if not where:
        yield None
        return
    fixed: list[str] = []
    split: list[str] = [""]
    for column, value in where.items():
        if column not in schema.names:
            raise UsageError(f"there is no column {column!r}: choose among {', '.join(schema.names)}")
        if isinstance(value, Sequence) and not isinstance(value, str):
            lists = _in_lists(column, value)
            split = [f"{a} AND {b}" if a else b for a in split for b in lists]
        elif isinstance(value, Compare):
            fixed.append(_compared(column, schema.field(column).type, value))
        else:
            fixed.append(
                f"{column} IS NULL" if value is None else f"{column} = {_literal(schema.field(column).type, value)}"
            )
    for part in split:
        yield " AND ".join(p for p in [*fixed, part] if p)


def _compared(column: str, kind: pa.DataType, value: Compare) -> str:
    """Return a comparison as SQL, every value quoted by the column's type."""
    if value.holds:
        parts = [f"contains(lower({column}), {_quote(value.holds.lower())})"]
    else:
        ends = (("<=", value.high), (">=", value.low))
        parts = [f"{column} {sign} {_literal(kind, end)}" for sign, end in ends if end is not None]
    inside = " AND ".join(parts) or "true"
    return f"NOT ({inside})" if value.negated else f"({inside})"


def _in_lists(column: str, values: Sequence[str] | Sequence[int]) -> list[str]:
    distinct = list(dict.fromkeys(values))  # twice in two lists, a value would find its rows twice
    if not distinct:
        return ["false"]
    return [
        f"{column} IN ({', '.join(map(_quote, distinct[start : start + IN_LIST]))})"
        for start in range(0, len(distinct), IN_LIST)
    ]


def _quote(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = str(value)
    if "\0" in text:
        raise UsageError("a filter value holds a zero character")
    return "'" + text.replace("'", "''") + "'"


def _finite(number: float) -> float:
    """Return the number itself, or raise ValueError for one that SQL has no way to write."""
    if not math.isfinite(number):
        raise ValueError(number)
    return number


def _literal(kind: pa.DataType, value: Value) -> str:
    """Return a value as SQL of the column's own type, so that `--where pages=3` compares numbers.

    Raises:
        UsageError: the value cannot be of the column's type.
    """
    try:
        if pa.types.is_integer(kind):
            return str(int(str(value)))
        if pa.types.is_floating(kind):
            return repr(_finite(float(str(value))))
        if pa.types.is_boolean(kind):
            return {"true": "true", "false": "false"}[str(value).lower()]
    except (ValueError, KeyError):
        raise UsageError(f"{value!r} is not a value of type {kind}") from None
    return _quote(str(value))
