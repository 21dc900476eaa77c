"""CSV and TSV: separators, encodings, quotes."""

import pytest

from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.read import read


@pytest.mark.parametrize(
    ("text", "name", "rows"),
    [
        ("a,b\n1,2\n", "x.csv", (("a", "b"), ("1", "2"))),
        ("Data;Importo\n01/02/2024;1.234,56\n", "x.csv", (("Data", "Importo"), ("01/02/2024", "1.234,56"))),
        ("a\tb\n1\t2,5\n", "x.tsv", (("a", "b"), ("1", "2,5"))),
        ('a,b\n"x, y","z ""q"""\n', "x.csv", (("a", "b"), ("x, y", 'z "q"'))),
        ("sep=|\na|b\n1|2\n", "x.csv", (("a", "b"), ("1", "2"))),
        ("a,b,c\n1,2\n3\n", "x.csv", (("a", "b", "c"), ("1", "2", ""), ("3", "", ""))),
    ],
)
def test_separators(text: str, name: str, rows: tuple[tuple[str, ...], ...]) -> None:
    parsed = read(text.encode("cp1252"), Context(name, Limits()))
    assert parsed.elements[0].rows == rows


def test_text_of_a_table_is_its_rows_as_lines() -> None:
    parsed = read("Città;Abitanti\nForlì;117000\nCefalù;14000\n".encode("cp1252"), Context("x.csv", Limits()))
    assert parsed.elements[0].text == "Città | Abitanti\nForlì | 117000\nCefalù | 14000"
    assert parsed.format == "csv"
