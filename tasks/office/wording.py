"""Amounts and dates as a reader of Italian or English writes them; without babel, because parser children pay for imports."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tasks.months import NAMES

MONTHS = {"it": NAMES["it"], "en": [name.capitalize() for name in NAMES["en"]]}
_SIGNS = {"EUR": "€", "GBP": "£", "USD": "$"}


def amount(value: Decimal | float | None, currency: str = "", language: str = "it", places: int = 2) -> str:
    """Return `1.882,00 €` in Italian, `€1,882.00` in English; "" for none. A currency without a sign is its code."""
    if value is None:
        return ""
    text = f"{value:,.{places}f}"
    if language == "it":
        text = text.translate({ord(","): ".", ord("."): ","})
    if not currency:
        return text
    sign = _SIGNS.get(currency, currency)
    if language == "it":
        return f"{text} {sign}"
    return f"{sign}{text}" if len(sign) == 1 else f"{sign} {text}"


def quantity(value: Decimal | float | None, language: str = "it") -> str:
    """Return a number with as many decimals as it needs."""
    if value is None:
        return ""
    plain = f"{Decimal(str(value)).normalize():,f}"
    return plain.translate({ord(","): ".", ord("."): ","}) if language == "it" else plain


def day(value: date | None, language: str = "it") -> str:
    """Return `12/03/2026` in Italian, `12 March 2026` in English; "" for none."""
    if value is None:
        return ""
    return f"{value:%d/%m/%Y}" if language == "it" else f"{value.day} {month(value)}"


def month(value: date | None, language: str = "en") -> str:
    """Return `marzo 2026` in Italian, `March 2026` in English; "" for none."""
    return "" if value is None else f"{MONTHS[language][value.month - 1]} {value.year}"
