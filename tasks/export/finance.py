"""What the canonical figures and metrics are called, what they say, and where their traffic lights change.

The limits are the rules of thumb of credit and accounting textbooks, not those of a sector: a report says so beside
its lights. A metric without limits (gross margin, turnover) gets no light, because what is sound there depends on the
trade alone. Units as in the analysis: percent in percent, ratios plain, days, currency.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tasks.wordings import load_table

_ITEMS = load_table("tasks.export", "items.csv", ("statement", "item", "en", "it", "total"))
STATEMENTS: Final = {
    statement: tuple(row["item"] for row in _ITEMS if row["statement"] == statement)
    for statement in dict.fromkeys(row["statement"] for row in _ITEMS)
}
ITEMS: Final[dict[str, tuple[str, str]]] = {row["item"]: (row["en"], row["it"]) for row in _ITEMS}
TOTALS: Final = frozenset(row["item"] for row in _ITEMS if row["total"])


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric in words. `sound` and `weak` are the limits of its light; `sound` below `weak` means less is better."""

    en: str
    it: str
    means_en: str
    means_it: str
    sound: float | None = None
    weak: float | None = None

    def light(self, value: float) -> str:
        """Return `good`, `fair` or `poor`; "" for a metric that has no limits."""
        if self.sound is None or self.weak is None:
            return ""
        up = self.sound >= self.weak
        if (value >= self.sound) if up else (value <= self.sound):
            return "good"
        return "poor" if ((value < self.weak) if up else (value > self.weak)) else "fair"


_COLUMNS = ("group", "metric", "en", "it", "means_en", "means_it", "sound", "weak", "leading")
_METRICS = load_table("tasks.export", "metrics.csv", _COLUMNS)


def _measure(row: dict[str, str]) -> Measure:
    limits = [float(row[name]) if row[name] else None for name in ("sound", "weak")]
    return Measure(row["en"], row["it"], row["means_en"], row["means_it"], *limits)


MEASURES: Final[dict[str, dict[str, Measure]]] = {
    group: {row["metric"]: _measure(row) for row in _METRICS if row["group"] == group}
    for group in dict.fromkeys(row["group"] for row in _METRICS)
}
BY_NAME: Final = {name: measure for group in MEASURES.values() for name, measure in group.items()}
LEADING: Final = tuple(
    row["metric"] for row in sorted(_METRICS, key=lambda row: int(row["leading"] or 0)) if row["leading"]
)
"""The metrics that a page of overview shows, in this order."""


def item_name(item: str, language: str) -> str:
    """Return what a figure is called; a name that is not canonical is shown as words."""
    pair = ITEMS.get(item)
    return pair[1 if language == "it" else 0] if pair else _spoken(item)


def metric_name(metric: str, language: str) -> str:
    """Return what a metric is called; one that is not canonical is shown as words."""
    measure = BY_NAME.get(metric)
    if measure is None:
        return _spoken(metric)
    return measure.it if language == "it" else measure.en


def meaning(metric: str, language: str) -> str:
    """Return one plain sentence on what a metric says, "" for one that is not canonical."""
    measure = BY_NAME.get(metric)
    if measure is None:
        return ""
    return measure.means_it if language == "it" else measure.means_en


def light(metric: str, value: float) -> str:
    """Return the traffic light of a metric: `good`, `fair`, `poor`, or "" for none."""
    measure = BY_NAME.get(metric)
    return measure.light(value) if measure else ""


def _spoken(name: str) -> str:
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
