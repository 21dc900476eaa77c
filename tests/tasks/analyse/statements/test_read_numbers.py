"""Numbers: every printed style, and that what is formatted in a locale reads back as itself."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.analyse.statements.read_numbers import Mark, Number, decimal_mark, parse_number

amounts = st.decimals(min_value=-(10**12), max_value=10**12, places=2, allow_nan=False, allow_infinity=False)
marks = st.sampled_from([",", "."])


def printed(value: Decimal, mark: Mark, places: int = 2) -> str:
    """The way an accountant prints it: grouped thousands, the decimal sign of the locale."""
    text = f"{abs(value):,.{places}f}"
    return text if mark == "." else text.translate(str.maketrans(",.", ".,"))


@given(amounts, marks, st.sampled_from(["({})", "-{}", "{}-", "−{}", "$ ({})", "€ -{}", "({} )"]))
def test_negative_amounts_read_back(value: Decimal, mark: Mark, style: str) -> None:
    number = parse_number(style.format(printed(value, mark)), mark)
    assert number is not None and number.value == -abs(value)


@given(amounts, marks, st.sampled_from(["{}", "$ {}", "{} €", "EUR {}", "{} *", "{} (1)", "{}¹", " {} "]))
def test_positive_amounts_read_back(value: Decimal, mark: Mark, style: str) -> None:
    number = parse_number(style.format(printed(value, mark)), mark)
    assert number is not None and number.value == abs(value) and not number.percent


@given(st.integers(min_value=-(10**15), max_value=10**15), marks)
def test_whole_amounts_read_back(value: int, mark: Mark) -> None:
    number = parse_number(printed(Decimal(value), mark, 0), mark)
    assert number is not None and number.value == abs(value)


@given(st.lists(amounts, min_size=1, max_size=20), marks)
def test_the_decimal_sign_is_found_from_amounts_with_decimals(values: list[Decimal], mark: Mark) -> None:
    other: Mark = "." if mark == "," else ","
    assert decimal_mark([printed(value, mark) for value in values], other) == mark


@given(st.text(max_size=30))
def test_no_text_breaks_the_parser(text: str) -> None:
    parse_number(text)


@pytest.mark.parametrize(
    ("cell", "mark", "value"),
    [
        ("1.234.567,89", ",", "1234567.89"),
        ("1,234,567.89", ".", "1234567.89"),
        ("(1,234)", ".", "-1234"),
        ("1,234)", ".", "-1234"),
        ("(1,234", ".", "-1234"),  # the closing one stands in the next cell
        ("(-25)", ".", "-25"),  # said twice, not taken back
        ("(25-)", ".", "-25"),
        ("+25", ".", "25"),
        ("– 25", ".", "-25"),
        ("25 −", ".", "-25"),
        ("-1.234", ",", "-1234"),
        ("1 234 567", ".", "1234567"),
        ("1’234.50", ".", "1234.50"),
        ("1.234.567", ".", "1234567"),
        (".45", ".", "0.45"),
        ("—", ".", "0"),
        ("$ —", ".", "0"),
        ("3.2x", ".", "3.2"),
        ("-25 ( 25 )", ".", "-25"),
        ("33% ( 33 % )", ".", "33"),
        ("(€ 1.200)", ",", "-1200"),  # a currency within the parentheses
        ("(US$ 12)", ".", "-12"),
        ("- $ 5", ".", "-5"),
        ("1 . 5", ".", "1.5"),  # a sign that the page sets apart
        ("1 , 200", ".", "1200"),
        ("1,234", ",", "1.234"),  # the other reading would make it a thousand times as much
        ("1.234", ".", "1.234"),
        ("1,234,567", ",", "1234567"),  # a decimal sign that stands twice groups
        ("12,5", ".", "12.5"),  # of another style, with one reading only
        ("12.50", ",", "12.50"),
        ("12,500", ".", "12500"),
        ("0,500", ".", "0.5"),
        ("1234,500", ".", "1234.5"),
        ("1'234,5", ".", "1234.5"),
        (",45", ".", "0.45"),
        ("9" * 40, ".", "9" * 40),
    ],
)
def test_printed_styles(cell: str, mark: Mark, value: str) -> None:
    number = parse_number(cell, mark)
    assert number is not None and number.value == Decimal(value)


NONE = [
    "",
    "n/a",
    "n.s.",
    "Note 5",
    "1.23.4,5.6",
    "2019 2018",
    "12 months",
    "A",
    "( )",
    "-5-",
    "(5) 6",
    "5 ( 6 )",
    "%",
]
OTHER_STYLES = ["1.234,5", "1.2.3", "1,2,3", "1,23,4", "12.34.56", "1.234.567,8", "1.234.5"]  # more than one reading


@pytest.mark.parametrize("cell", [*NONE, *OTHER_STYLES, "9" * 41])
def test_what_is_no_number(cell: str) -> None:
    assert parse_number(cell) is None


@pytest.mark.parametrize("cell", ["12,5 %", "12,5%", "12,5 % ( 12,5 % )", "12,5 (12,5)"])
def test_percentages_keep_their_printed_value(cell: str) -> None:
    assert parse_number(cell, ",") == Number(Decimal("12.5"), percent="%" in cell)
    assert parse_number(f"({cell})", ",") == (None if "(" in cell else Number(Decimal("-12.5"), percent="%" in cell))


@pytest.mark.parametrize("cell", ["-", "—", "$ —", "---"])
def test_a_lone_dash_is_nil_and_a_zero_is_not(cell: str) -> None:
    assert parse_number(cell) == Number(Decimal(0), nil=True)
    assert parse_number("0") == Number(Decimal(0))
    assert parse_number("----") is None


@pytest.mark.parametrize(
    ("cells", "mark"),
    [
        (["1.234,5"], ","),  # both signs: the last one
        (["1,234,567.8"], "."),
        (["1.2,34,56"], "."),  # both, and the last stands twice: it groups, badly
        (["1.234.567"], ","),  # twice: it groups
        (["0,567"], ","),  # before three digits, but nothing groups after a naught
        (["1234,567"], ","),  # nor after four digits
        (["12,5"], ","),
        (["12,5678"], ","),
        (["1.234", "5.678"], ","),  # a lone group is only a hint,
        (["123.456", "123.457", "0.5"], "."),  # which proof outvotes
        (["1.234", "5,678", "6.789"], ","),
        (["12,5", "12,6", "12.5"], ","),
        (["2019,5, 2.25 e 3.75"], "."),  # each number of a cell
    ],
)
def test_the_decimal_sign_of_a_document(cells: list[str], mark: Mark) -> None:
    other: Mark = "." if mark == "," else ","
    assert decimal_mark(cells, other) == mark
    swapped = [cell.translate(str.maketrans(",.", ".,")) for cell in cells]
    assert decimal_mark(swapped, mark) == other


@pytest.mark.parametrize("cells", [[], ["12", "7"], ["1.23.4"], ["1,234", "1.234"], ["12,5", "12.5"], ["1,234,56"]])
def test_what_proves_nothing_leaves_the_default(cells: list[str]) -> None:
    assert [decimal_mark(cells, ","), decimal_mark(cells, "."), decimal_mark(cells)] == [",", ".", "."]
