"""Tables of statements: which columns are amounts and of which period, signs that stand apart, and what is left out."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.analyse.statements.read_grids import Grid, body_start, build_grid, mend_cells, table_columns

Rows = list[list[str]]


def rows(text: str) -> Rows:
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    width = max(map(len, lines))
    return [line + [""] * (width - len(line)) for line in lines]


def grid(text: str, context: str = "", known: Grid | None = None) -> Grid | None:
    return build_grid(rows(text), ".", context=context, known=known.periods if known else ())


def read(text: str, context: str = "") -> dict[tuple[int | None, int | None], list[int | None]]:
    """(Year, months) → the amounts below it."""
    found = grid(text, context)
    assert found is not None
    return {
        (period.year, period.months): [
            None if line.values[at] is None else int(line.values[at])
            for line in found.lines  # type: ignore[arg-type]
        ]
        for at, period in enumerate(found.periods)
    }


@pytest.mark.parametrize(
    ("row", "mended"),
    [
        (["Utile", "$", "17", "$", "9"], ["Utile", "", "$17", "", "$9"]),
        (["Perdita", "(17", ")", "(9", ")"], ["Perdita", "(17)", "", "(9)", ""]),
        (["Perdita", "$", "(17", ")"], ["Perdita", "", "$(17)", ""]),
        (["Quota", "4.5", "%"], ["Quota", "4.5%", ""]),
        (["Nota", "$", "testo", "9"], ["Nota", "$", "testo", "9"]),
        (["Nota", "testo", ")"], ["Nota", "testo", ")"]),
        (["$", "", "", "9"], ["$", "", "", "9"]),
    ],
)
def test_signs_go_to_the_amount_beside_them_and_nowhere_else(row: list[str], mended: list[str]) -> None:
    assert mend_cells(row) == mended


@given(
    st.lists(
        st.lists(st.sampled_from(["", "$", "(", ")", "%", "17", "(9", "Voce", "2024", "-"]), max_size=6), max_size=5
    )
)
def test_mending_keeps_every_sign_and_the_width(table: Rows) -> None:
    for row in table:
        mended = mend_cells(row)
        assert (len(mended), sorted("".join(mended))) == (len(row), sorted("".join(row)))
        assert mend_cells(mended) == mended
    build_grid(table, ".")


YEARS = st.lists(st.integers(2015, 2025), min_size=1, max_size=4, unique=True)


@given(YEARS, st.lists(st.lists(st.integers(-9_000_000, 9_000_000), min_size=4, max_size=4), min_size=2, max_size=5))
def test_each_amount_stands_under_its_year(years: list[int], amounts: list[list[int]]) -> None:
    body = "\n".join(
        f"Voce {chr(97 + index)} | " + " | ".join(f"({-a:,})" if a < 0 else f"{a:,}" for a in line[: len(years)])
        for index, line in enumerate(amounts)
    )
    found = grid("Voce | " + " | ".join(map(str, years)) + "\n" + body)
    assert found is not None
    assert [period.year for period in found.periods] == years
    for line, given_ in zip(found.lines, amounts, strict=True):
        assert list(line.values) == [Decimal(a) for a in given_[: len(years)]]


def test_years_that_repeat_under_two_lengths_of_time() -> None:
    text = """
        | Three months ended June 30, 2024 | Three months ended June 30, 2023 | Six months ended June 30, 2024 | Six months ended June 30, 2023
        Revenue | 10,100 | 9,100 | 20,200 | 18,300
        Costs | 4,100 | 3,900 | 8,800 | 8,100
    """
    assert read(text) == {
        (2024, 3): [10100, 4100],
        (2023, 3): [9100, 3900],
        (2024, 6): [20200, 8800],
        (2023, 6): [18300, 8100],
    }


@pytest.mark.parametrize(
    "text",
    [
        "Voce | Nota\nUtile | testo",  # no amounts
        "Voce | 2024\nQuota | 4.5%\nAltra | 3.1%",  # shares alone
        "Utile | 17,000\nCosti | 9,000",  # no period
    ],
)
def test_a_table_without_amounts_under_a_period_is_none(text: str) -> None:
    assert grid(text) is None


def test_a_continuation_without_a_head_has_the_periods_of_the_table_before() -> None:
    before = grid("Voce | 2024 | 2023\nUtile | 17,000 | 9,000\nCosti | 5,000 | 4,000")
    assert before is not None
    after = grid("Debiti | 3,000 | 2,000\nCassa | 1,000 | 900", known=before)
    assert after is not None
    assert after.periods == before.periods
    assert grid("Debiti | 3,000\nCassa | 1,000", known=before) is None, "another number of columns is another table"


def test_columns_of_notes_shares_and_changes_are_no_periods() -> None:
    text = """
        Voce | Note | 2024 | 2023 | Change | %
        Utile | 4 | 17,000 | 9,000 | 8,000 | 89%
        Costi | 12 | 5,000 | 4,000 | 1,000 | 25%
        Debiti | 7 | 3,000 | 2,500 | 500 | 20%
    """
    assert read(text) == {(2024, None): [17000, 5000, 3000], (2023, None): [9000, 4000, 2500]}
    assert table_columns(rows("Voce | 2024\nUtile | 17,000\nCosti | 5,000"), ".") == [1]


def test_a_title_that_names_a_change_over_all_columns_takes_none_away() -> None:
    head = "Increase in cash"
    text = f"{head} | {head} | {head}\n | 2024 | 2023\nUtile | 17,000 | 9,000\nCosti | 5,000 | 4,000"
    assert read(text) == {(2024, None): [17000, 5000], (2023, None): [9000, 4000]}


def test_parts_and_totals_side_by_side_are_one_period() -> None:
    text = """
        Voce | 2024 | 2024 | 2023 | 2023
        Merci | 600 | | 500 |
        Altro | 40 | | 30 |
        Rimanenze | | 640 | | 530
        Cassa | | 900 | | 800
    """
    assert read(text) == {(2024, None): [600, 40, 640, 900], (2023, None): [500, 30, 530, 800]}


def test_the_body_begins_below_rows_of_years_and_words() -> None:
    assert body_start(rows("Conto | |\n | 2024 | 2023\nUtile | 17,000 | 9,000"), ".") == 2
    assert body_start(rows(" | 1,000 | 2,000\n | 2024 | 2023\nUtile | 17,000 | 9,000"), ".") == 2
    assert body_start(rows(" | 1,000 | 2,000\nUtile | 17,000 | 9,000"), ".") == 0
    assert body_start(rows("Voce | Nota"), ".") == 1
