"""Formulas that no program calculated: the value that Excel would show, or none; a second reading works them out in Python."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.index.formats.excel_formulas import Calculator, UnknownValueError

CELLS = {"A1": 3, "A2": -4.5, "A3": None, "A4": 10, "B1": "testo", "B2": True, "B3": "#DIV/0!", "B4": "Testo", "B5": ""}


def place(name: str) -> tuple[int, int]:
    return int(name[1:]), ord(name[0]) - ord("A") + 1


def calculator(**formulas: str) -> Calculator:
    values = {place(name): value for name, value in CELLS.items() if value is not None}
    sheets = {"Foglio": values, "Q1": {(1, 1): 7}, "Q2": {(1, 1): 8}, "L'altro": {(1, 1): 9}}
    return Calculator(sheets, {"Foglio": {place(name): text for name, text in formulas.items()}})


def worked_out(formula: str) -> object:
    """The value, or the class of the error: no other may come."""
    try:
        return calculator(C9=formula).value("Foglio", (9, 3))
    except UnknownValueError:
        return UnknownValueError


Tree = tuple[str, float]
LEAVES = st.one_of(
    st.integers(0, 99).map(lambda number: (str(number), float(number))),
    st.sampled_from([("A1", 3.0), ("$A$2", -4.5), ("A3", 0.0), ("Q1!A1", 7.0), ("'L''altro'!A1", 9.0), ("50%", 0.5)]),
)


def joined(parts: tuple[Tree, str, Tree]) -> Tree:
    (left, one), sign, (right, other) = parts
    return f"({left}){sign} ({right})", {"+": one + other, "-": one - other, "*": one * other}[sign]


def rounded(part: Tree) -> Tree:
    step = Decimal("0.1")
    return f"ROUND({part[0]},1)", float(Decimal(f"{part[1]:.15g}").quantize(step, ROUND_HALF_UP))


def chosen(parts: tuple[Tree, Tree, Tree]) -> Tree:
    (test, value), (yes, one), (no, other) = parts
    return f"IF(({test})>2,{yes},{no})", one if value > 2 else other


def over(name: str) -> st.SearchStrategy[Tree]:
    functions = {"SUM": sum, "MAX": max, "MIN": min, "AVERAGE": lambda n: sum(n) / len(n), "COUNT": len}
    return st.lists(TREES, min_size=1, max_size=3).map(
        lambda parts: (
            f"{name}({','.join(f'{text}+0' for text, _ in parts)})",
            float(functions[name]([v for _, v in parts])),
        )
    )


TREES: st.SearchStrategy[Tree] = st.deferred(
    lambda: st.one_of(
        LEAVES,
        st.tuples(TREES, st.sampled_from("+-*"), TREES).map(joined),
        TREES.map(lambda part: (f"-({part[0]})", -part[1])),
        TREES.map(lambda part: (f"ABS({part[0]})", abs(part[1]))),
        TREES.map(rounded),
        st.tuples(TREES, TREES, TREES).map(chosen),
        st.sampled_from(["SUM", "MAX", "MIN", "AVERAGE", "COUNT"]).flatmap(over),
    )
)


@given(TREES)
def test_arithmetic_is_that_of_python(tree: Tree) -> None:
    text, expected = tree
    if abs(expected) < 1e12:
        assert worked_out(f"={text}") == pytest.approx(expected, rel=1e-9, abs=1e-9)


PIECES = (
    """A1 A1:B4 Q1:Q2!A1 ( ) , - ^ % & < = " "x" IF( SUM( ROUND( COUNTA( TRUE 1E999 {1} #REF! [1]x!A1 ZZZ1 '""".split()
)


@given(st.lists(st.sampled_from([" ", *PIECES]), max_size=9))
def test_any_formula_has_a_value_or_is_unknown(pieces: list[str]) -> None:
    found = worked_out("=" + "".join(pieces))
    assert found is UnknownValueError or isinstance(found, (int, float, str)), found


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("=-2^2", 4),
        ("=2^-1", 0.5),
        ("=SUM(A4:A1)", 8.5),
        ("=SUM(A1:A4,Q1!A1)", 15.5),
        ("=COUNTA(A1:B4)", UnknownValueError),
        ("=COUNTA(A1:A4)", 3),
        ("=PRODUCT(A3)", 0),
        ("=PRODUCT(A1,A4)", 30),
        ("=MAX(A3)", 0),
        ("=AVERAGE(A3)", UnknownValueError),
        ("=IF(A3,1)", False),
        ("=IF(A1,,5)", 0),
        ('=IF(A3="","vuoto","pieno")', "vuoto"),
        ('=B1&" "&B4', "testo Testo"),
        ("=B1&A1", UnknownValueError),
        ("=B1=B4", True),
        ("=B1<>B4", False),
        ("=B1<B5", UnknownValueError),
        ("=B2=1", UnknownValueError),
        ("=B2+1", 2),
        ("=ROUND(A1*100000000000000000000,15)", 3e20),
        ("=ROUND(1250,-2)", 1300),
        ("=ROUND(A1:A4,2)", UnknownValueError),
        # what would give a figure that is wrong
        ("=SUM(Q1:Q2!A1)", UnknownValueError),
        ("=SUM((A1:A2,A4))", UnknownValueError),
        ("=SUM(A1:A4 A4:B4)", UnknownValueError),
        ("=SUM(A1>0,A4>0)", UnknownValueError),
        ("=SUM(A1,B3)", UnknownValueError),
        ("=IF(A1:A3,1,2)", UnknownValueError),
        ('=IF("x",1,2)', UnknownValueError),
        ("=SUM(1E999)", UnknownValueError),
        ("=1E308*10", UnknownValueError),
        ("=(-8)^(1/3)", UnknownValueError),
        ("=SUM(ZZZ1)", UnknownValueError),
        ("=SUM(A1:XFD1048576)", UnknownValueError),
        ('="abc', UnknownValueError),
        ("={1,2}", UnknownValueError),
    ],
)
def test_what_excel_shows_or_nothing(formula: str, value: object) -> None:
    found = worked_out(formula)
    assert found == value and (value is UnknownValueError or isinstance(found, type(value)) or isinstance(value, int))


def test_cells_that_wait_for_each_other_are_unknown_and_long_chains_are_not() -> None:
    circle = calculator(C1="=C2", C2="=C3+1", C3="=C1")
    with pytest.raises(UnknownValueError):
        circle.value("Foglio", (1, 3))
    chain = calculator(C1="=A1", **{f"C{row}": f"=C{row - 1}+1" for row in range(2, 400)})
    assert [chain.value("Foglio", (row, 3)) for row in range(1, 400)] == [*range(3, 402)]
    nested = "SUM(" * 40 + "A1" + ")" * 40
    assert worked_out(f"={nested}") == 3
