"""Formulas for which a workbook stores no value: calculated where that is plain arithmetic, else shown as they are.

Programs write workbooks without calculating them. openpyxl then stores nothing, XlsxWriter a 0 for every formula and
the wish that Excel calculate all on opening; read as they are, a profit would be missing or 0. Sums, differences,
products, comparisons and a few functions are calculated here; what depends on anything else stays a formula. No library with
a licence that suits calculates workbooks, and LibreOffice may not be there.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_REFERENCE = re.compile(r"(?:(?P<sheet>'(?:[^']|'')+'|[\w.]+)!)?\$?(?P<column>[A-Z]{1,3})\$?(?P<row>\d{1,7})$")
_ERROR = re.compile(r"#(?:NULL!|DIV/0!|VALUE!|REF!|NAME\?|NUM!|N/A|GETTING_DATA|SPILL!|CALC!)")
_LAST_COLUMN = 16_384
_DEEPEST = 100
_MOST_CELLS = 100_000
"""Cells of one range; beyond it the formula is shown."""

Value = float | str | bool | None
Place = tuple[int, int]
"""Row and column, 1-based."""


class UnknownValueError(Exception):
    """The value of a formula cannot be told here. Not of the tree: the reader catches it and leaves the cell to a warning."""


_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
}
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_BINDING = {"=": 1, "<>": 1, "<": 1, ">": 1, "<=": 1, ">=": 1, "&": 2, "+": 3, "-": 3, "*": 4, "/": 4, "^": 5}


class Calculator:
    """The values of a workbook's cells, formulas calculated as they are asked for."""

    def __init__(self, values: Mapping[str, Mapping[Place, Any]], formulas: Mapping[str, Mapping[Place, str]]) -> None:
        """Take the formulas and values of a workbook.

        Args:
            values: sheet → place → stored value.
            formulas: sheet → place → formula without a stored value, with its `=`.
        """
        self._values = values
        self._formulas = formulas
        self._known: dict[tuple[str, Place], Value] = {}
        self._open: list[tuple[str, Place]] = []

    def value(self, sheet: str, place: Place) -> Value:
        """Return the value of a cell.

        Raises:
            UnknownValueError: it depends on something that cannot be calculated here.
        """
        key = (sheet, place)
        formula = self._formulas.get(sheet, {}).get(place)
        if formula is None:
            return _plain(self._values.get(sheet, {}).get(place))
        if key not in self._known:
            if key in self._open or len(self._open) >= _DEEPEST:
                raise UnknownValueError(formula)
            self._open.append(key)
            try:
                self._known[key] = _Expression(self, sheet, formula).result()
            finally:
                self._open.pop()
        return self._known[key]

    def range(self, sheet: str, first: Place, last: Place) -> Iterator[Value]:
        """Yield the values of a range, row by row."""
        rows, columns = (range(min(ends), max(ends) + 1) for ends in zip(first, last, strict=True))
        if len(rows) * len(columns) > _MOST_CELLS:
            raise UnknownValueError("a range of too many cells")
        for row in rows:
            for column in columns:
                yield self.value(sheet, (row, column))

    def has_sheet(self, name: str) -> bool:
        return name in self._values


def _plain(value: Any) -> Value:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str) and not _ERROR.fullmatch(value):
        return value
    raise UnknownValueError("a date or an error")


class _Expression:
    """One formula, read from left to right by the binding of its operators."""

    def __init__(self, calculator: Calculator, sheet: str, formula: str) -> None:
        from openpyxl.formula.tokenizer import Tokenizer, TokenizerError

        self._calculator = calculator
        self._sheet = sheet
        try:
            self._tokens = [token for token in Tokenizer(formula).items if token.type != "WHITE-SPACE"]
        except (TokenizerError, IndexError, AttributeError) as error:
            raise UnknownValueError(str(error)) from None
        self._at = 0

    def result(self) -> Value:
        found = self.single()
        return 0 if found is None else found

    def values(self) -> list[Value]:
        """Return one value, or those of a range, one by one.

        Raises:
            UnknownValueError: the tokens are not all used up: operators that are not known here put them together.
        """
        self._at = 0
        if not self._tokens:
            return [None]
        found = self._expression(0)
        if self._at < len(self._tokens):
            raise UnknownValueError(self._tokens[self._at].value)
        return found

    def single(self) -> Value:
        return self._single(self.values())

    @property
    def is_reference(self) -> bool:
        """Cells, of which functions pass over what is no number; what is written into the formula counts as it is."""
        return [token.subtype for token in self._tokens] == ["RANGE"]

    def _peek(self) -> Any | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self) -> Any:
        if (token := self._peek()) is None:
            raise UnknownValueError("the formula breaks off")
        self._at += 1
        return token

    def _expression(self, least: int) -> list[Value]:
        left = self._operand()
        while (token := self._peek()) is not None:
            if token.type == "OPERATOR-POSTFIX":
                self._at += 1
                left = [_number(self._single(left)) / 100]
            elif token.type == "OPERATOR-INFIX" and _BINDING.get(token.value, -1) > least:
                self._at += 1
                right = self._single(self._expression(_BINDING[token.value]))
                left = [_joined(token.value, self._single(left), right)]
            else:
                break
        return left

    def _operand(self) -> list[Value]:
        token = self._next()
        if token.type == "OPERATOR-PREFIX":
            number = _number(self._single(self._expression(_BINDING["^"])))
            return [-number if token.value == "-" else number]
        if token.type == "PAREN" and token.subtype == "OPEN":
            found = self._expression(0)
            if self._next().subtype != "CLOSE":
                raise UnknownValueError("cells put together")
            return found
        if token.type == "FUNC" and token.subtype == "OPEN":
            return [_called(token.value.rstrip("(").upper(), self._arguments())]
        if token.type == "OPERAND":
            return self._constant(token)
        raise UnknownValueError(token.value)

    def _arguments(self) -> list[_Expression]:
        """Return the arguments of a function, each to be worked out when it is wanted: IF leaves one of its own aside."""
        found: list[_Expression] = []
        start, depth = self._at, 0
        while True:
            token = self._next()
            closes = token.subtype == "CLOSE"
            if depth == 0 and (closes or (token.type == "SEP" and token.subtype == "ARG")):
                if self._at - 1 > start or not closes:
                    found.append(self._part(start, self._at - 1))
                start = self._at
                if closes:
                    return found
            else:
                depth += 1 if token.subtype == "OPEN" else -1 if closes else 0

    def _part(self, start: int, end: int) -> _Expression:
        part = _Expression.__new__(_Expression)
        part._calculator, part._sheet, part._tokens, part._at = (
            self._calculator,
            self._sheet,
            self._tokens[start:end],
            0,
        )
        return part

    def _constant(self, token: Any) -> list[Value]:
        if token.subtype == "NUMBER":
            return [_real(float(token.value))]
        if token.subtype == "TEXT":
            return [token.value[1:-1].replace('""', '"')]
        if token.subtype == "LOGICAL":
            return [token.value.upper() == "TRUE"]
        if token.subtype == "RANGE":
            return list(self._reference(token.value))
        raise UnknownValueError(token.value)

    def _reference(self, text: str) -> Iterator[Value]:
        from openpyxl.utils import column_index_from_string

        first, _, last = text.partition(":")
        begin = _REFERENCE.match(first)
        end = _REFERENCE.match(last) if last else begin
        if begin is None or end is None or (last and end["sheet"] not in {None, begin["sheet"]}):
            raise UnknownValueError(text)  # Q1:Q3!A1 goes through sheets, although Q1 is the name of a cell too
        name = begin["sheet"]
        sheet = name.strip("'").replace("''", "'") if name else self._sheet
        if not self._calculator.has_sheet(sheet):
            raise UnknownValueError(text)
        corners = [(int(m["row"]), column_index_from_string(m["column"])) for m in (begin, end)]
        if any(column > _LAST_COLUMN for _, column in corners):
            raise UnknownValueError(text)  # a name, since no cell has it
        yield from self._calculator.range(sheet, *corners)

    @staticmethod
    def _single(values: list[Value]) -> Value:
        if len(values) != 1:
            raise UnknownValueError("a range where one value belongs")
        return values[0]


def _number(value: Value) -> float:
    if value is None:
        return 0
    if isinstance(value, str):
        raise UnknownValueError(value)
    return value


def _joined(sign: str, left: Value, right: Value) -> Value:
    """Return the result of an operator."""
    if sign in _COMPARISONS:
        kinds = {
            type(value) if isinstance(value, (str, bool)) else float for value in (left, right) if value is not None
        }
        if len(kinds) > 1:
            raise UnknownValueError(sign)
        blank = "" if kinds == {str} else 0
        one, other = (blank if value is None else value for value in (left, right))
        if isinstance(one, str) and isinstance(other, str):
            one, other = one.casefold(), other.casefold()
            if sign not in {"=", "<>"}:
                raise UnknownValueError(sign)  # words are in the order of a language
        return _COMPARISONS[sign](one, other)
    if sign == "&":
        if not (isinstance(left, str) and isinstance(right, str)):
            raise UnknownValueError(sign)
        return left + right
    try:
        return _real(_ARITHMETIC[sign](_number(left), _number(right)))
    except (ZeroDivisionError, OverflowError):
        raise UnknownValueError(sign) from None


def _real(value: float) -> float:
    if isinstance(value, complex) or value != value or value in (float("inf"), float("-inf")):
        raise UnknownValueError("no number")
    return value


def _called(name: str, arguments: list[_Expression]) -> Value:
    """Return the result of a function."""
    if name == "IF" and len(arguments) in {2, 3}:
        condition = _number(arguments[0].single())
        chosen = arguments[1:2] if condition else arguments[2:]
        return chosen[0].single() if chosen else False
    if name == "IFERROR" and len(arguments) == 2:
        return arguments[0].single()  # an error is unknown here, and so is what stands for it
    given = [(argument.is_reference, argument.values()) for argument in arguments]
    if name in {"ROUND", "ABS"}:
        return _rounded(name, [_number(_Expression._single(values)) for _, values in given])
    values = [value for _, some in given for value in some]
    if name == "COUNTA":
        return len([value for value in values if value is not None])
    if any(isinstance(value, (str, bool)) for is_reference, some in given if not is_reference for value in some):
        raise UnknownValueError(name)
    numbers = [float(value) for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if name in _OVER_NUMBERS and (numbers or name in {"SUM", "COUNT", "PRODUCT", "MIN", "MAX"}):
        return _real(_OVER_NUMBERS[name](numbers))
    raise UnknownValueError(name)


def _rounded(name: str, values: list[float]) -> float:
    """Round away from zero at a half, as Excel does and Python does not."""
    from decimal import ROUND_HALF_UP, Decimal

    if name == "ABS" and len(values) == 1:
        return abs(values[0])
    if name == "ROUND" and len(values) == 2 and abs(values[1]) <= 15:
        step = Decimal(1).scaleb(-int(values[1]))
        try:
            return float(Decimal(f"{values[0]:.15g}").quantize(step, rounding=ROUND_HALF_UP))
        except ArithmeticError:
            return values[0]  # so long that there is nothing to round
    raise UnknownValueError(name)


def _product(numbers: list[float]) -> float:
    return math.prod(numbers) if numbers else 0


_OVER_NUMBERS: Mapping[str, Callable[[list[float]], float]] = {
    "SUM": sum,
    "AVERAGE": lambda numbers: sum(numbers) / len(numbers),
    "MIN": lambda numbers: min(numbers, default=0),
    "MAX": lambda numbers: max(numbers, default=0),
    "COUNT": len,
    "PRODUCT": _product,
}
