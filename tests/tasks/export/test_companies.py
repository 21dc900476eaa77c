"""Documents of one firm are read together; contradictions are listed, not hidden."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations

import invented
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.export import companies as module
from tasks.export.companies import SHARED, companies, order
from tasks.export.records import Analysed, leading_figures
from tasks.figures import Figure, Financial


def analysed(number: int, company: str, *figures: Figure, currency: str = "EUR") -> Analysed:
    periods = tuple(dict.fromkeys(figure.period for figure in figures))
    return Analysed(invented.entry(number), Financial(currency, periods, figures, company=company))


def test_years_of_one_firm_stand_side_by_side_and_the_newest_report_wins() -> None:
    old = analysed(1, "Alfa  S.p.A.", Figure("revenue", "FY2023", 100.0), Figure("revenue", "FY2024", 110.0, page=7))
    new = analysed(2, "ALFA S.p.A.", Figure("revenue", "FY2024", 112.0, page=3), Figure("revenue", "FY2025", 120.0))
    (firm,) = companies([old, new])
    assert firm.years == ["FY2023", "FY2024", "FY2025"]
    assert [firm.value("revenue", year) for year in firm.years] == [100.0, 112.0, 120.0]
    ((conflict, entry),) = firm.conflicts
    assert (conflict.reported.value, conflict.other.value, conflict.reported.page, conflict.other.page) == (
        112.0,
        110.0,
        3,
        7,
    )
    assert entry == new.entry and conflict.other_path == old.entry.path


def test_firms_without_a_name_or_with_another_currency_stand_alone() -> None:
    figure = Figure("revenue", "FY2024", 1.0)
    firms = companies(
        [
            analysed(1, "", figure),
            analysed(2, "", figure),
            analysed(3, "Beta", figure),
            analysed(4, "Beta", figure, currency="USD"),
        ]
    )
    assert len(firms) == 4


def accounts(year: str, factor: float, decimals: int = 0) -> list[Figure]:
    items = ("revenue", "net_income", "total_assets", "inventory", "shareholders_equity", "current_assets")
    return [
        Figure(item, year, round(factor * (12_345_678 + 7_654_321 * place), decimals))
        for place, item in enumerate(items)
    ]


def test_the_same_accounts_in_other_formats_and_years_are_one_firm() -> None:
    pdf = analysed(1, "", *accounts("FY2023", 1.0), *accounts("FY2024", 1.1))
    workbook = analysed(2, "", *accounts("FY2023", 1.0), *accounts("FY2024", 1.1, -3), currency="")
    earlier = analysed(3, "", *accounts("FY2022", 0.9), *accounts("FY2023", 1.0))
    other = analysed(4, "", *accounts("FY2023", 1.3), *accounts("FY2024", 1.4))
    abroad = analysed(5, "", *accounts("FY2023", 1.0), currency="USD")
    firms = companies([pdf, workbook, earlier, other, abroad])
    assert sorted(len(firm.entries) for firm in firms) == [1, 1, 3]
    (firm,) = [firm for firm in firms if len(firm.entries) == 3]
    assert firm.years == ["FY2022", "FY2023", "FY2024"]
    assert firm.conflicts == []


def test_equal_titles_are_told_apart_by_their_file() -> None:
    one, two = analysed(1, "", *accounts("FY2024", 1.0)), analysed(2, "", *accounts("FY2024", 2.0))
    two = replace(two, entry=replace(two.entry, title=one.entry.title))
    names = {firm.name for firm in companies([one, two])}
    assert names == {"Relazione 1 · Relazione 0001.docx", "Relazione 1 · Relazione 0002.xlsx"}


def test_quarters_do_not_mix_with_years() -> None:
    (firm,) = companies([analysed(1, "A", Figure("revenue", "2024Q2", 1.0), Figure("revenue", "FY2024", 4.0))])
    assert (firm.years, firm.quarters) == (["FY2024"], ["2024Q2"])
    (firm,) = companies([analysed(1, "A", Figure("revenue", "2024Q2", 1.0))])
    assert (firm.years, firm.quarters) == (["2024Q2"], [])


def test_order_of_periods() -> None:
    assert sorted(["FY2024", "2024Q4", "FY2023", "2024Q1", "odd"], key=order) == [
        "odd",
        "FY2023",
        "2024Q1",
        "2024Q4",
        "FY2024",
    ]


# ---- what documents share ------------------------------------------------------------------------------------------------

FEW = st.builds(
    Figure, st.sampled_from("abcdefgh"), st.sampled_from(("FY2023", "FY2024")), st.sampled_from((7.0, 1000.0, 2000.0))
)
OFFICE = st.lists(
    st.builds(
        lambda figures, name: (figures, name),
        st.lists(FEW, max_size=16, unique_by=lambda f: (f.item, f.period)),
        st.sampled_from(("", "", "Alfa", "Beta")),
    ),
    max_size=12,
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(OFFICE)
def test_pairs_that_share_figures_are_found_and_leading_figures_make_the_same_firms(
    office: list[tuple[list[Figure], str]],
) -> None:
    whole = [analysed(number, name, *figures) for number, (figures, name) in enumerate(office)]
    held = [Counter((f.period, f.item, f.value) for f in figures if f.value >= 1000) for figures, _ in office]
    shared = {
        (one, other)
        for one, other in combinations(range(len(office)), 2)
        if max(Counter(period for period, _, _ in held[one] & held[other]).values(), default=0) >= SHARED
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "AT_ONCE", 3)
        assert set(module._sharing(whole)) == shared
    lean = [leading_figures(one, {"a"}, set()) for one in whole]
    firms = [(firm.name, [entry.path for entry in firm.entries], firm.years) for firm in companies(whole)]
    assert [(firm.name, [entry.path for entry in firm.entries], firm.years) for firm in companies(lean)] == firms


def test_very_many_copies_are_one_firm() -> None:
    """More than are all compared with each other."""
    (firm,) = companies([analysed(number, "", *accounts("FY2024", 1.0)) for number in range(120)])
    assert len(firm.entries) == 120
