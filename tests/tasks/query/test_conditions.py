"""Conditions: by the column's type, with ranges and dates, and refused where they make no sense."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.errors import UsageError
from tasks.query.conditions import check_columns, conditions, matches, selected


def holds(text: str, value: Any, kind: str) -> bool:
    return matches(conditions([text])[0], kind, value)


@pytest.mark.parametrize(
    ("text", "value", "kind", "wanted"),
    [
        ("due=2026-05", date(2026, 5, 31), "date", True),
        ("due=2026-05", date(2026, 6, 1), "date", False),
        ("due=2026-01..2026-03", date(2026, 3, 31), "date", True),
        ("due<2026-05", date(2026, 4, 30), "date", True),
        ("due>2026", date(2026, 12, 31), "date", False),
        ("due<=31/05/2026", date(2026, 5, 31), "date", True),
        ("due=..2026-03", date(2020, 1, 1), "date", True),
        ("due!=2026-05", date(2026, 5, 2), "date", False),
        ("due!=2026-05", None, "date", True),
        ("due=", None, "date", True),
        ("total=1882", 1882.0, "number", True),
        ("total=1.882,00", 1882.0, "number", True),
        ("total=1,882.00", 1882.0, "number", True),
        ("total>1000", None, "number", False),
        ("total=100..200", 200.0, "number", True),
        ("supplier=OFFICINA alfa", "Officina Alfa", "text", True),
        ("supplier~alfa", "Officina Alfa", "text", True),
        ("supplier_vat=91000019991", "IT91000019991", "text", True),
        ("number=91", "IT91", "text", False),
        ("split=yes", True, "flag", True),
        ("split=no", True, "flag", False),
    ],
)
def test_what_a_condition_holds_for(text: str, value: Any, kind: str, wanted: bool) -> None:
    assert holds(text, value, kind) is wanted


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("due=soon", "date", "no date"),
        ("due=2026-02-30", "date", "no day"),
        ("total=much", "number", "no number"),
        ("split=maybe", "flag", "yes or no"),
        ("total>1..2", "number", "goes with"),
    ],
)
def test_values_that_a_column_cannot_have(text: str, kind: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        selected([], conditions([text]), {text.split("=")[0].split(">")[0]: kind})


def test_no_condition_and_no_column() -> None:
    with pytest.raises(UsageError, match="is no condition"):
        conditions(["supplier"])
    with pytest.raises(UsageError, match="has no column 'iva': choose among number, total"):
        check_columns(conditions(["iva=1"]), ["number", "total"], "table invoices")


DAYS = st.dates(date(1990, 1, 1), date(2090, 1, 1))


@settings(max_examples=200, deadline=None)
@given(DAYS, DAYS, st.integers(-400, 400))
def test_a_range_is_what_both_its_ends_are(low: date, day: date, days: int) -> None:
    """`a..b` is `>=a` and `<=b`, `!=` is not `=`, `<` and `>=` share the days between them, for every day and every length of date."""
    high = low + timedelta(days=abs(days))
    for cut in (4, 7, 10):
        a, b = low.isoformat()[:cut], high.isoformat()[:cut]
        both = holds(f"d>={a}", day, "date") and holds(f"d<={b}", day, "date")
        assert holds(f"d={a}..{b}", day, "date") == both
        assert holds(f"d<{a}", day, "date") != holds(f"d>={a}", day, "date")
        assert holds(f"d>{a}", day, "date") != holds(f"d<={a}", day, "date")
        assert holds(f"d={a}", day, "date") != holds(f"d!={a}", day, "date")
