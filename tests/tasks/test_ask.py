"""Questions for figures: what is understood of them, and that nothing is made up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from deployments.cli import app
from infra.lake import Lake
from infra.settings import Settings
from tasks.analyse.run import analyse
from tasks.ask import Answer, answer, understand
from tasks.index.run import index

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[2] / "samples" / "documents"


@pytest.mark.parametrize(
    ("question", "item", "period", "names"),
    [
        ("ricavi 2024 di Montescaro", "revenue", "FY2024", ("Montescaro",)),
        ("What was Quillmere's net income in FY2023?", "net_income", "FY2023", ("Quillmere",)),
        ("totale attivo 2023", "total_assets", "FY2023", ()),
        ("EBITDA margin of Quillmere 2024", "ebitda_margin", "FY2024", ("Quillmere",)),
        ("patrimonio netto della Trebbio", "shareholders_equity", "", ("Trebbio",)),
        ("net sales Q2 2018", "revenue", "2018Q2", ()),
        ("ricavi del secondo trimestre 2018", "revenue", "2018Q2", ()),
        ("soldi in cassa dell'Officina al 31 dicembre 2023", "cash_and_equivalents", "FY2023", ("Officina",)),
        ("how much profit did Quillmere Inc. make at the end of 2023", "net_income", "FY2023", ("Quillmere",)),
        ("costo del venduto di Alfa S.p.A. 2024", "cost_of_goods_sold", "FY2024", ("Alfa",)),
        ("ricavi delle vendite e delle prestazioni di Alfa", "revenue", "", ("Alfa",)),
        ("ricavi al 30 giugno 2024", "revenue", "FY2024", ("30", "giugno")),
        ("chi ha firmato il contratto?", "", "", ("firmato", "contratto")),
    ],
)
def test_a_question_is_split_into_item_period_and_firm(
    question: str, item: str, period: str, names: tuple[str, ...]
) -> None:
    asked = understand(question)
    assert (asked.item, asked.period) == (item, period)
    if item:
        assert asked.names == names


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    settings = Settings(home=str(tmp_path_factory.mktemp("ask")), embedding_model="bundled")
    names = ("quillmere-statements-2024.csv", "montescaro-bilancio-2024.xlsx", "trebbio-bilancio-abbreviato-2024.pdf")
    index(settings, [str(SAMPLES / name) for name in names], "c")
    analyse(settings, "c", "financial")
    yield Lake(settings.root)


def ask(lake: Lake, question: str) -> Answer:
    return answer(lake, "c", question)


def figure(lake: Lake, path: str, item: str, period: str) -> float:
    rows = lake.read("c.figures", ["path", "value"], {"item": item, "period": period}).to_pylist()
    return next(row["value"] for row in rows if path in row["path"])


def test_the_firm_and_the_year_decide(lake: Lake) -> None:
    for firm, question in (("montescaro", "ricavi 2024 di Montescaro"), ("quillmere", "Quillmere revenue 2023")):
        found = ask(lake, question).found
        assert firm in found["path"].rsplit("/", 1)[-1]
        assert found["value"] == figure(lake, firm, "revenue", found["period"]), question
        assert found["period"] == "FY" + "".join(filter(str.isdigit, question))
        assert found["label"] and found["page"] >= 1


def test_a_metric_comes_with_its_formula(lake: Lake) -> None:
    found = ask(lake, "current ratio of Quillmere in 2024").found
    assert found["unit"] == "ratio" and "current_liabilities" in found["formula"]


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("ricavi 2024", "several firms"),
        ("ricavi 1999 di Montescaro", "not for FY1999"),
        ("ricavi 2024 di Nessuno", "called Nessuno"),
        ("ricavi 2024 della Tessitura Nessuno", "called Nessuno"),  # half a name that fits
        ("ricavi 2024 di Montescaro e Trebbio", "called Montescaro Trebbio"),
        ("ricavi medi di Montescaro 2024", "called medi"),
        ("revenue per employee of Quillmere 2024", "called employee"),
        ("ricavi in Italia di Montescaro 2024", "called Italia"),
        ("ricavi del primo trimestre 2024 di Montescaro", "not for 2024Q1"),
        ("ricavi di Montescaro 2023 e 2024", "several years"),
        ("ricavi consolidati 2024 di Trebbio", "no consolidated accounts"),
        ("chi ha firmato il contratto?", "no item"),
    ],
)
def test_nothing_is_made_up(lake: Lake, question: str, reason: str) -> None:
    found = ask(lake, question)
    assert not found.found and reason in found.reason


def test_half_a_name_that_two_firms_share_is_no_name(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"period": "FY2024", "newest": "FY2024", "value": 1.0, "title": "", "consolidated": False}
    rows = [
        row | {"company": f"Rossi {name}", "path": f"/x/{name.split()[0]}.pdf"}
        for name in ("Alfa S.p.A.", "Beta S.r.l.")
    ]
    monkeypatch.setattr("tasks.ask._values", lambda *_: rows)
    assert "several firms" in ask(lake, "ricavi 2024 di Rossi").reason
    assert ask(lake, "ricavi 2024 di Rossi Beta").found["path"] == "/x/Beta.pdf"
    rows.append(row | {"company": "Rossi Beta S.r.l.", "path": "/x/Again.pdf", "value": 2.0})
    assert [other["value"] for other in ask(lake, "ricavi 2024 di Rossi Beta").others] == [1.0]


def test_the_accounts_of_the_group_win_over_those_of_its_parent(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"period": "FY2024", "newest": "FY2024", "company": "Alfa S.p.A.", "title": ""}
    rows = [
        row | {"path": "/x/a.pdf", "value": 1.0, "consolidated": False},
        row | {"path": "/x/b.pdf", "value": 9.0, "consolidated": True},
    ]
    monkeypatch.setattr("tasks.ask._values", lambda *_: rows)
    found = {
        question: ask(lake, question)
        for question in ("ricavi 2024 Alfa", "ricavi gruppo Alfa", "ricavi capogruppo Alfa")
    }
    assert [answer.found["value"] for answer in found.values()] == [9.0, 9.0, 1.0]
    assert [other["value"] for other in found["ricavi 2024 Alfa"].others] == [1.0]
    assert "consolidated" not in found["ricavi 2024 Alfa"].found


def test_growth_may_name_both_years_if_one_follows_the_other(lake: Lake) -> None:
    assert ask(lake, "crescita dei ricavi di Montescaro tra il 2023 e il 2024").found["period"] == "FY2024"
    assert "several years" in ask(lake, "crescita dei ricavi di Quillmere tra il 2022 e il 2024").reason


def test_the_verb_falls_back_to_search_and_says_so(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALDONE_HOME", str(Path(lake.location).parent))
    monkeypatch.setenv("FALDONE_EMBEDDING_MODEL", "bundled")
    run = CliRunner().invoke
    told = json.loads(run(app, ["ask", "ricavi 2024 di Montescaro", "-c", "c", "--json"]).stdout)
    assert told["answered"] and told["item"] == "revenue" and told["hits"] == []
    told = json.loads(run(app, ["ask", "who signed it?", "-c", "c", "-k", "2", "--json"]).stdout)
    assert not told["answered"] and told["reason"] and 0 < len(told["hits"]) <= 2
    shown = run(app, ["ask", "who signed it?", "-c", "c"]).stdout
    assert shown.startswith("No figure: no item")


def test_the_verb_cuts_out_the_figure_or_says_why_not(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FALDONE_HOME", str(Path(lake.location).parent))
    monkeypatch.setenv("FALDONE_EMBEDDING_MODEL", "bundled")
    picture = tmp_path / "figure.png"

    def told(question: str) -> dict[str, object]:
        given = ["ask", question, "-c", "c", "--crop", str(picture), "--json"]
        found: dict[str, object] = json.loads(CliRunner().invoke(app, given).stdout)
        return found

    for question, reason in (
        ("ricavi 2024 di Montescaro", "is no PDF"),
        ("who signed it?", "no figure"),
        ("current ratio of Trebbio 2024", "not known"),
    ):
        answered = told(question)
        assert answered["crop"] is None and reason in str(answered["crop_reason"]), question
    assert not picture.exists()
    answered = told("totale attivo 2024 di Trebbio")
    assert answered["crop"] == str(picture) and answered["box"]
    with Image.open(picture) as image:
        assert image.format == "PNG" and min(image.size) > 10
