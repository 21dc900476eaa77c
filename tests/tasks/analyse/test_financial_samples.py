"""The sample reports with known figures: at least 95 in 100 right, at most 1 in 100 of the reported ones wrong."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.settings import Settings
from tasks.analyse.financial import analyse
from tasks.index.read import parse_file
from tasks.records import Document

SAMPLES = Path(__file__).parents[3] / "samples"
KNOWN: dict[str, dict[str, Any]] = json.loads((SAMPLES / "figures.json").read_text())


@cache
def result(name: str) -> dict[str, Any]:
    parsed = parse_file(SAMPLES / name, Path(name).name, Settings())
    return analyse(Document("0" * 32, "test", name, "hash", parsed))


def compare(name: str, kinds: tuple[str, ...] = ("figures",)) -> tuple[int, list[str]]:
    """How many known figures come out right, and those that come out otherwise (absent optional ones do not count)."""
    found = {(row["item"], row["period"]): row["value"] for row in result(name)["figures"]}
    right, other = 0, []
    for kind in kinds:
        for period, items in KNOWN[name].get(kind, {}).items():
            for item, value in items.items():
                got = found.get((item, period))
                if got is not None and abs(got - value) < 0.5:
                    right += 1
                elif got is not None or kind == "figures":
                    other.append(f"{name} {period} {item}: {got} instead of {value}")
    return right, other


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_known_figures(name: str) -> None:
    right, other = compare(name)
    assert right >= 0.95 * (right + len(other)), "\n".join(other)


def test_hardly_any_reported_figure_is_wrong() -> None:
    outcomes = [compare(name, ("figures", "optional")) for name in KNOWN]
    wrong = [line for _, other in outcomes for line in other if "None" not in line]
    assert len(wrong) <= 0.01 * sum(right for right, _ in outcomes), "\n".join(wrong)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_checks_pass_and_nothing_contradicts(name: str) -> None:
    assert [row for row in result(name)["checks"] if not row["passed"]] == []
    assert result(name)["conflicts"] == []


def test_one_firm_has_one_set_of_figures_in_every_format() -> None:
    """The same accounts as PDF, spreadsheet and web page say the same."""
    families: dict[str, list[dict[tuple[str, str], float]]] = {}
    for name in KNOWN:
        firm = Path(name).name.split("-")[0] + ("-consolidated" if "consolidato" in name else "")
        families.setdefault(firm, []).append({(r["item"], r["period"]): r["value"] for r in result(name)["figures"]})
    for firm, results in families.items():
        for other in results[1:]:
            shared = results[0].keys() & other.keys()
            assert shared and all(results[0][key] == other[key] for key in shared), firm
