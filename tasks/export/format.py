"""Numbers, amounts, dates and durations as a reader of the report's language writes them (babel's CLDR data).

Missing values are an en dash: a report never shows a zero for what is not known.
"""

from __future__ import annotations

import datetime as time
import math
from collections.abc import Iterable

from babel import Locale, dates, numbers

NONE = "–"
_LOCALES = {"en": "en_GB", "it": "it_IT"}
LANGUAGES = tuple(_LOCALES)


class Format:
    """Formats values for one language, `en` or `it`."""

    def __init__(self, language: str) -> None:
        self.locale = Locale.parse(_LOCALES[language])
        self._group = numbers.get_group_symbol(self.locale)
        self._point = numbers.get_decimal_symbol(self.locale)

    def integer(self, value: float | None) -> str:
        return self.decimal(value, 0)

    def decimal(self, value: float | None, places: int = 2) -> str:
        """Return a number with its thousands grouped and a true minus sign; babel takes ten times as long for this."""
        if value is None or not math.isfinite(value):
            return NONE
        if abs(value) >= 1e18:
            return f"{value:.3e}".replace(".", self._point).replace("-", "−")
        text = f"{abs(value):,.{places}f}"
        text = text.translate({ord(","): self._group, ord("."): self._point})
        return f"−{text}" if value < 0 and text.strip("0.,") else text

    def percent(self, value: float | None, places: int = 1, sign: bool = False) -> str:
        """Write a `value` in percent: 12.5 becomes 12.5 % (English without the space)."""
        if value is None or not math.isfinite(value):
            return NONE
        plus = "+" if sign and round(value, places) > 0 else ""
        return f"{plus}{self.decimal(value, places)}%"

    def money(self, value: float | None, currency: str = "") -> str:
        """Return an amount in short: 32.8 million with its currency's sign, for tiles and sentences."""
        if value is None or not math.isfinite(value):
            return NONE
        size = abs(value)
        for limit, key in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
            if size >= limit:
                text = f"{self.decimal(value / limit, 1)} {_SHORT[self.locale.language][key]}"
                break
        else:
            text = self.decimal(value, 0)
        sign = self.symbol(currency)
        return f"{sign} {text}" if sign else text

    def symbol(self, currency: str) -> str:
        """Return the sign of a currency code, or the code itself when it has none."""
        return str(numbers.get_currency_symbol(currency, self.locale)) if currency else ""

    def size(self, value: float | None) -> str:
        """Return bytes as kB, MB, GB (powers of ten)."""
        if value is None or not math.isfinite(value):
            return NONE
        for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
            if abs(value) >= limit:
                return f"{self.decimal(value / limit, 1)} {unit}"
        return f"{self.decimal(value, 0)} B"

    def duration(self, seconds: float | None) -> str:
        """Write seconds in the unit that a person would use."""
        if seconds is None or not math.isfinite(seconds):
            return NONE
        if seconds < 1:
            return f"{self.decimal(seconds * 1000, 0)} ms"
        if seconds < 120:
            return f"{self.decimal(seconds, 1)} s"
        if seconds < 7200:
            return f"{self.decimal(seconds / 60, 1)} min"
        return f"{self.decimal(seconds / 3600, 1)} h"

    def date(self, value: time.date | None) -> str:
        return str(dates.format_date(value, "d MMMM y", locale=self.locale)) if value else NONE

    def short_date(self, value: time.date | None) -> str:
        return str(dates.format_date(value, "dd/MM/yyyy", locale=self.locale)) if value else NONE

    def day(self, value: time.date) -> str:
        """Return a day of the week and of the month, for the axis of a week."""
        return str(dates.format_date(value, "EEE d", locale=self.locale))

    def month(self, value: time.date) -> str:
        return str(dates.format_date(value, "MMM yy", locale=self.locale))

    def moment(self, value: time.datetime | None) -> str:
        return str(dates.format_datetime(value, "dd/MM/yyyy HH:mm", locale=self.locale)) if value else NONE

    def language(self, code: str) -> str:
        """Return the name of a language by its two-letter code, in the report's language."""
        name = self.locale.languages.get(code, code) if code else NONE
        return name[:1].upper() + name[1:]

    def listing(self, values: Iterable[str]) -> str:
        return ", ".join(values)


_SHORT = {"en": {"bn": "bn", "m": "m", "k": "k"}, "it": {"bn": "mld", "m": "mln", "k": "mila"}}
