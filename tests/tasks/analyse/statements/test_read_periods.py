"""Periods: what heads say, and what a document calls its years."""

from __future__ import annotations

from datetime import date

import pytest

from tasks.analyse.statements.read_periods import FiscalCalendar, Period, parse_dates, parse_period


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("December 31, 2018", date(2018, 12, 31)),
        ("Dec. 31, 2018", date(2018, 12, 31)),
        ("31 dicembre 2018", date(2018, 12, 31)),
        ("al 31-12-2019", date(2019, 12, 31)),
        ("31.12.2019", date(2019, 12, 31)),
        ("31/12/2019", date(2019, 12, 31)),
        ("12/31/2019", date(2019, 12, 31)),
        ("2019-12-31 00:00:00", date(2019, 12, 31)),
        ("at december 31 , 2017", date(2017, 12, 31)),
        ("1° gennaio 2020", date(2020, 1, 1)),
    ],
)
def test_dates(text: str, day: date) -> None:
    assert parse_dates(text) == [day]


def test_impossible_dates_are_left_out() -> None:
    assert parse_dates("February 31, 2019 and 31/02/2019") == []


@pytest.mark.parametrize(
    ("head", "around", "period"),
    [
        ("2018", "Years ended December 31,", Period(date(2018, 12, 31), 2018, None, 12)),
        ("Three Months Ended June 30, 2023", "", Period(date(2023, 6, 30), 2023, None, 3)),
        ("Six months ended 2023", "June 30,", Period(date(2023, 6, 30), 2023, None, 6)),
        ("52 Weeks Ended January 28, 2023", "", Period(date(2023, 1, 28), 2023, None, 12)),
        ("Fiscal 2017", "", Period(None, 2017, 2017, None)),
        ("Esercizio 2024", "", Period(None, 2024, 2024, 12)),
        ("31-12-2019", "", Period(date(2019, 12, 31), 2019)),
        ("2024", "Roma, 13 marzo 2025", Period(None, 2024)),
    ],
)
def test_heads(head: str, around: str, period: Period) -> None:
    assert parse_period(head, around) == period


def test_a_head_without_a_year_has_no_period() -> None:
    assert parse_period("Note", "December 31,") is None
    assert parse_period("% of sales") is None


YEAR = Period(date(2019, 2, 2), 2019, None, 12)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Fiscal 2019 ended on February 2, 2019 and had 52 weeks.", "FY2019"),
        ("Fiscal 2018 ended on February 2, 2019 and had 52 weeks.", "FY2018"),
        ("References to fiscal 2018 are to the year (the year ended February 2, 2019).", "FY2018"),
        ("the fiscal year ended February 2, 2019 (“fiscal 2018”)", "FY2018"),
        (
            "fiscal 2018, fiscal 2017 and fiscal 2016 ended February 2, 2019, February 3, 2018 and January 28, 2017",
            "FY2018",
        ),
        ("The company sells shoes.", "FY2019"),
    ],
)
def test_a_year_has_the_name_that_the_document_gives_it(text: str, name: str) -> None:
    calendar = FiscalCalendar([text], [date(2019, 2, 2), date(2018, 2, 3)])
    assert calendar.name(YEAR) == name


def test_a_year_that_spills_over_new_year_keeps_its_name() -> None:
    calendar = FiscalCalendar([], [date(2022, 1, 1), date(2021, 1, 2)])
    assert calendar.name(Period(date(2022, 1, 1), 2022, None, 12)) == "FY2021"


@pytest.mark.parametrize(
    ("period", "name"),
    [
        (Period(date(2022, 12, 31), 2022, None, 3), "2023Q2"),
        (Period(date(2022, 12, 31), 2022, None, 6), "2023H1"),
        (Period(date(2023, 3, 31), 2023, None, 9), "2023M9"),
        (Period(date(2022, 12, 31), 2022), "2023Q2"),
        (Period(date(2022, 6, 30), 2022), "FY2022"),
        (Period(date(2022, 6, 30), 2022, None, 3), "2022Q4"),
    ],
)
def test_quarters_are_those_of_the_fiscal_year(period: Period, name: str) -> None:
    assert FiscalCalendar(["fiscal year ended June 30, 2022"], []).name(period) == name
