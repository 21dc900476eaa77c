"""The names of the months by language: the one table for all that reads or writes them. Imports nothing, for parser children."""

from __future__ import annotations

NAMES = {
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre".split(),
    "en": "january february march april may june july august september october november december".split(),
    "de": "januar februar märz april mai juni juli august september oktober november dezember".split(),
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split(),
    "nl": "januari februari maart april mei juni juli augustus september oktober november december".split(),
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split(),
}


def numbers(*languages: str) -> dict[str, int]:
    """Return the number of each month by its whole name, in small letters."""
    return {name: number for language in languages for number, name in enumerate(NAMES[language], 1)}


ITALIAN_ENGLISH = numbers("it", "en")
WITH_SHORT = ITALIAN_ENGLISH | {name[:3]: number for name, number in ITALIAN_ENGLISH.items()} | {"sept": 9}
"""Italian and English names, and those of three letters: `gen`, `jan`."""
