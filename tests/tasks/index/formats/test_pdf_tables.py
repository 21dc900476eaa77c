"""Tables out of words with places: columns, heads, labels, and what is no table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.index.formats.pdf_cells import cut_cells, is_number
from tasks.index.formats.pdf_layout import build_rows
from tasks.index.formats.pdf_tables import Table, find_tables
from tasks.index.formats.pdf_words import Word
from tests.tasks.index.formats.paper import line


def tables(*lines: list[Word]) -> list[Table]:
    return find_tables(build_rows([word for words in lines for word in words]))


def only(*lines: list[Word]) -> tuple[tuple[str, ...], ...]:
    (table,) = tables(*lines)
    return table.rows


def cells(words: list[Word]) -> list[str]:
    return [cell.text for cell in cut_cells(build_rows(words)[0])]


@pytest.mark.parametrize(
    "text",
    ["1,234", "(1,234)", "(1,234", "$5", "12.5%", "-3", "1.234.567,89", "31/12/2024", ".01", "€10", "(0.1%)", "2018*"],
)
def test_figures(text: str) -> None:
    assert is_number(text)


@pytest.mark.parametrize("text", ["1)", "1.", "31,", "A1", "10-K", "Note", "", "(a)", "2018:"])
def test_not_figures(text: str) -> None:
    assert not is_number(text)


def test_signs_join_their_figure() -> None:
    words = line(
        10, (50, "Net loss of 2018"), (200, "$"), (220, "(1,234"), (251, ")"), (300, "4.5"), (330, "%"), (380, "—")
    )
    assert cells(words) == ["Net loss of 2018", "$(1,234)", "4.5%", "—"]


def test_a_range_is_one_figure() -> None:
    assert cells(line(10, (50, "Volatility"), (200, "26 – 30%"), (300, "22% - 27%"), (400, "—"))) == [
        "Volatility",
        "26 – 30%",
        "22% - 27%",
        "—",
    ]


def test_heads_without_a_figure_below_are_columns_too() -> None:
    rows = only(
        line(10, (200, "Amount"), (300, "Level 1"), (400, "Level 2"), (500, "Level 3")),
        line(22, (50, "Notes receivable"), (200, "385.0"), (400, "403.0")),
        line(34, (50, "Debt"), (200, "794.0"), (400, "852.0")),
    )
    assert rows[0] == ("", "Amount", "Level 1", "Level 2", "Level 3")
    assert rows[1] == ("Notes receivable", "385.0", "", "403.0", "")


def test_footnote_marks_stay_with_their_figure() -> None:
    words = line(34, (50, "Awarded"), (275, "1,206"), (385, "671"))
    mark = line(30.5, (305, "(1)"), size=5.2)
    rows = only(line(22, (50, "Beginning"), (275, "1,940"), (385, "1,517")), words, mark)
    assert rows == (("Beginning", "1,940", "1,517"), ("Awarded", "1,206 (1)", "671"))


def test_dot_leaders_are_left_out() -> None:
    assert cells(line(10, (50, "Revenue......."), (200, "10"))) == ["Revenue", "10"]
    assert cells(line(10, (50, "Revenue . . . . . . ."), (200, "10"))) == ["Revenue", "10"]


def test_heads_over_groups_of_columns_are_repeated() -> None:
    rows = only(
        line(10, (210, "Three months"), (410, "Six months")),
        line(22, (200, "2023"), (300, "2022"), (400, "2023"), (500, "2022")),
        line(34, (50, "Revenue"), (200, "40.0"), (300, "30.0"), (400, "70.0"), (500, "60.0")),
        line(46, (50, "Costs"), (200, "10.0"), (300, "11.0"), (400, "12.0"), (500, "13.0")),
    )
    assert rows[0] == ("", "Three months", "Three months", "Six months", "Six months")
    assert rows[1] == ("", "2023", "2022", "2023", "2022")
    assert rows[2] == ("Revenue", "40.0", "30.0", "70.0", "60.0")


def test_an_italian_balance_sheet() -> None:
    rows = only(
        line(10, (300, "31/12/2024"), (400, "31/12/2023")),
        line(22, (50, "B) Immobilizzazioni")),
        line(34, (60, "I - Immobilizzazioni immateriali"), (310, "1.234.567"), (410, "1.100.000")),
        line(46, (60, "II - Immobilizzazioni materiali"), (335, "(45)"), (450, "-")),
        line(58, (50, "C) Attivo circolante")),
        line(70, (60, "esigibili entro l'esercizio successivo"), (325, "89.100"), (425, "77.000")),
        line(82, (50, "Totale attivo"), (310, "1.323.622"), (410, "1.177.000")),
    )
    assert rows[0] == ("", "31/12/2024", "31/12/2023")
    assert rows[1] == ("B) Immobilizzazioni", "", "")
    assert rows[3] == ("II - Immobilizzazioni materiali", "(45)", "-")
    assert rows[5] == ("esigibili entro l'esercizio successivo", "89.100", "77.000")
    assert len(rows) == 7


def test_numbered_labels_are_rows_of_their_own() -> None:
    long = "2) variazioni delle rimanenze di prodotti in corso di"
    rows = only(
        line(10, (50, "1) ricavi delle vendite"), (400, "42.454"), (500, "43.813")),
        line(22, (50, long)),
        line(34, (50, "lavorazione, semilavorati e finiti"), (400, "(138)"), (500, "348")),
        line(46, (50, "5) altri ricavi e proventi")),
        line(58, (60, "altri"), (400, "664"), (500, "801")),
        line(70, (50, "13) debiti verso istituti di previdenza e di sicurezza")),
        line(82, (60, "esigibili entro l'esercizio successivo"), (400, "242"), (500, "248")),
    )
    assert [row[0] for row in rows] == [
        "1) ricavi delle vendite",
        f"{long} lavorazione, semilavorati e finiti",
        "5) altri ricavi e proventi",
        "altri",
        "13) debiti verso istituti di previdenza e di sicurezza",
        "esigibili entro l'esercizio successivo",
    ]


def test_labels_between_heads_and_figures_do_not_part_them() -> None:
    rows = only(
        line(10, (300, "January 28, 2017"), (420, "January 30, 2016")),
        line(24, (50, "Assets")),
        line(38, (50, "Current assets")),
        line(52, (60, "Cash"), (330, "2,240"), (450, "1,976")),
        line(66, (60, "Receivables"), (330, "1,347"), (450, "1,162")),
    )
    assert rows[0] == ("", "January 28, 2017", "January 30, 2016")
    assert rows[1:3] == (("Assets", "", ""), ("Current assets", "", ""))


def test_a_figure_that_a_long_label_touches_goes_to_its_column() -> None:
    rows = only(
        line(10, (50, "Cash"), (330, "2,240"), (450, "1,976")),
        line(22, (50, "Cash at the end of the period and other things of it"), (330, "1,347"), (450, "1,162")),
        line(34, (50, "Total"), (330, "3,587"), (450, "3,138")),
    )
    assert rows[1] == ("Cash at the end of the period and other things of it", "1,347", "1,162")


def test_rows_labelled_by_years() -> None:
    rows = only(
        line(10, (50, "2019"), (300, "$"), (320, "1,234")),
        line(22, (50, "2020"), (320, "2,345")),
        line(34, (50, "Thereafter"), (320, "3,456")),
    )
    assert rows == (("2019", "$1,234"), ("2020", "2,345"), ("Thereafter", "3,456"))


def test_two_tables_with_text_between_stay_two() -> None:
    prose = "This paragraph explains at some length what the table above has shown and what follows below it now"
    found = tables(
        line(10, (50, "Sales"), (320, "1,234"), (420, "999")),
        line(22, (50, "Costs"), (320, "1,000"), (420, "888")),
        line(46, (50, prose)),
        line(58, (50, prose)),
        line(82, (50, "Staff"), (320, "12"), (420, "11")),
        line(94, (50, "Offices"), (320, "2"), (420, "3")),
    )
    assert [len(table.rows) for table in found] == [2, 2]


def test_running_text_with_figures_is_no_table() -> None:
    assert not tables(
        line(10, (50, "Sales rose in 2018 by 12.5% to 3,456 million, after 3,072 million in 2017, and")),
        line(22, (50, "net income reached 456 in 2018 against 398 in 2017. In the year 2019 we expect")),
        line(34, (50, "a further rise by 5% at constant rates of exchange.")),
    )


@given(
    st.lists(
        st.tuples(
            st.integers(0, 30).map(lambda row: 20.0 + 12 * row),
            st.floats(40, 500),
            st.sampled_from(["Ricavi", "1,234", "(5", ")", "$", "—", "2018", "......", "di", "%", "Total assets"]),
        ),
        max_size=60,
    )
)
def test_no_word_of_a_table_is_lost(placed: list[tuple[float, float, str]]) -> None:
    """Whatever stands on the page: cells are in equal rows, and every word of the covered rows is in one."""
    words = [word for y, x, text in placed for word in line(y, (x, text))]
    rows = build_rows(words)
    end = 0
    for table in find_tables(rows):
        assert end <= table.first < table.last <= len(rows)
        end = table.last
        assert len({len(row) for row in table.rows}) == 1
        inside = "".join("".join(row) for row in table.rows)
        for word in (word for row in rows[table.first : table.last] for word in row.words):
            assert word.text.strip(".") in inside
