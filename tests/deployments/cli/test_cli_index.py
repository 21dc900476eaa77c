"""The verbs index, search, documents and collections as a person or a program types them: output and exit status."""

from __future__ import annotations

import inspect
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from deployments.cli import app, output
from infra.settings import Settings, load
from tasks.index.run import index as index_documents

ITALIAN = "I debiti verso fornitori ammontano a {i}00 mila euro e scadono entro l'esercizio successivo."
ENGLISH = "Revenue of the services segment was {i}00 million dollars, and inventory fell in the quarter."
HERE = str(Path(output.__file__).parents[2])


def faldone(*line: str, text: str | None = None) -> Any:
    return CliRunner().invoke(app, list(line), input=text)


def told(result: Any) -> Any:
    """The one JSON object on standard output."""
    return json.loads(result.stdout)


def index(settings: Settings, collection: str, folder: Path) -> None:
    """An index run without Prefect."""
    index_documents(settings, [str(folder)], collection)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the collections `papers`, `spare` and `hollow`, and the files they were made of."""
    top = tmp_path_factory.mktemp("shelf")
    for name, files in {
        "papers": {"a.txt": ITALIAN, "b.txt": ENGLISH, 'l\'altro "c".txt': ITALIAN, "bad.pdf": ""},
        "hollow": {"bad.pdf": ""},
    }.items():
        (top / name).mkdir()
        for i, (file, text) in enumerate(files.items()):
            (top / name / file).write_text(text.format(i=i))
    settings = load().model_copy(update={"home": str(top / "home")})
    for collection, folder in (("papers", "papers"), ("spare", "papers"), ("hollow", "hollow")):
        index(settings, collection, top / folder)
    return top


@pytest.fixture(autouse=True)
def _home(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALDONE_HOME", str(shelf / "home"))


@pytest.fixture
def api(prefect_api: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command finds the shared server where it would find one of the user's."""
    from prefect.settings import PREFECT_API_URL

    monkeypatch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))


def verbs(command: Any, name: str = "faldone") -> Iterator[tuple[str, Any]]:
    """Every verb with its whole name; a group of verbs has `commands`."""
    if not hasattr(command, "commands"):
        yield name, command
        return
    for part, below in command.commands.items():
        yield from verbs(below, f"{name} {part}")


VERBS = dict(verbs(typer.main.get_command(app)))


@pytest.mark.parametrize("name", VERBS)
def test_the_help_of_every_verb_has_an_example_of_itself(name: str) -> None:
    verb = VERBS[name]
    text = inspect.cleandoc(verb.help or "")
    assert f"Example: {name}" in text


# ---- documents text ----------------------------------------------------------------------------------------------------


def test_documents_text_shows_what_was_read_as_markdown_and_as_json() -> None:
    person = faldone("documents", "text", "b.txt", "-c", "papers")
    assert person.stdout.startswith("<!-- page 1 -->\n\nRevenue of the services segment")
    program = told(faldone("documents", "text", "b.txt", "-c", "papers", "--json"))
    assert {"document_id", "path", "collection", "format", "title", "language", "pages", "warnings"} < set(program)
    assert {"kind", "text", "page", "section", "rows"} <= set(program["elements"][0])


@pytest.mark.parametrize(("name", "says"), [("bad.pdf", "is in quarantine: the file is empty"), ("no.pdf", "no.pdf")])
def test_documents_text_says_why_there_is_none(name: str, says: str) -> None:
    result = faldone("documents", "text", name, "-c", "papers")
    assert result.exit_code == 2
    assert says in result.stderr


# ---- search ------------------------------------------------------------------------------------------------------------


def test_search_answers_in_the_contracts_shape() -> None:
    answer = told(faldone("search", "debiti verso fornitori", "-c", "papers", "-k", "2", "--json"))
    assert set(answer) == {"query", "collection", "mode", "milliseconds", "hits"}
    assert len(answer["hits"]) == 2
    contract = {"document_id", "path", "page_first", "page_last", "section", "text", "score"}
    assert set(answer["hits"][0]) == contract | {"copies"}
    assert answer["hits"][0]["path"].endswith(("a.txt", '"c".txt'))
    person = faldone("search", "inventory", "-c", "papers", "--mode", "text")
    assert "b.txt" in person.stdout.splitlines()[0]


def test_many_queries_give_a_line_each(tmp_path: Path) -> None:
    queries = tmp_path / "q.jsonl"
    queries.write_text('{"id": 1, "query": "debiti"}\n\n{"id": "due", "query": "revenue 📊"}\n', encoding="utf-8")
    lines = faldone("search", "--queries", str(queries), "-c", "papers", "-k", "1").stdout.splitlines()
    assert [(json.loads(line)["id"], len(json.loads(line)["hits"])) for line in lines] == [(1, 1), ("due", 1)]


@pytest.mark.parametrize("row", ["no json", '{"query": "x"}', "[1]", '{"id": 1, "query": " "}'])
def test_a_bad_row_of_queries_is_named_by_its_line(tmp_path: Path, row: str) -> None:
    queries = tmp_path / "q.jsonl"
    queries.write_text('{"id": 1, "query": "x"}\n' + row)
    result = faldone("search", "--queries", str(queries), "-c", "papers")
    assert result.exit_code == 2
    assert "line 2" in result.stderr


@pytest.mark.parametrize(
    ("where", "names"),
    [
        (["language=it"], {"a.txt", 'l\'altro "c".txt'}),
        (["language=en", "format=txt"], {"b.txt"}),
        (["page_first=1", "language=en"], {"b.txt"}),
        (["language=it' OR '1'='1"], set()),
        (["language=it'; DROP TABLE papers; --"], set()),
        (["path=x') OR (1=1"], set()),
        (["title=\\' OR 1=1 --"], set()),
    ],
)
def test_filters_compare_values_and_are_never_read_as_sql(where: list[str], names: set[str]) -> None:
    conditions = [part for condition in where for part in ("--where", condition)]
    for mode in ("hybrid", "vector", "text"):
        result = faldone("search", "debiti revenue", "-c", "papers", "--mode", mode, *conditions, "--json")
        assert result.exit_code == 0, result.stderr
        assert {Path(hit["path"]).name for hit in told(result)["hits"]} <= names
    assert (mode, bool(names)) == ("text", bool(told(result)["hits"]))


@pytest.mark.parametrize("condition", ["nosuch=1", "language", "1=1 --=x", "page_first=one", "vector=0", "=it"])
def test_a_filter_that_cannot_be_is_refused(condition: str) -> None:
    result = faldone("search", "debiti", "-c", "papers", "--where", condition, "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("mode", ["hybrid", "vector", "text"])
@pytest.mark.parametrize(
    "query", ["di il la the of", "📊", "parola " * 1_500, "a' OR 1=1 \" \\ * ( ~2 +x -y", "\u202e\0x"]
)
def test_strange_queries_are_answered(query: str, mode: str) -> None:
    result = faldone("search", query, "-c", "papers", "--mode", mode, "-k", "1000", "--json")
    assert result.exit_code == 0, result.stderr
    assert len(told(result)["hits"]) <= 3


def test_what_cannot_be_searched_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    for line, reason in (
        (["x", "-c", "nowhere"], "hollow, papers"),
        (["x", "-c", "hollow"], "is empty"),
        (["x", "-c", "No Name"], "lower-case"),
        (["  ", "-c", "papers"], "query is empty"),
        ([], "QUERY"),
    ):
        result = faldone("search", *line, "--json")
        assert (result.exit_code, result.stdout) == (2, ""), line
        assert reason in result.stderr
    monkeypatch.setenv("FALDONE_PASSAGE_PREFIX", "text: ")
    assert "another encoder" in faldone("search", "x", "-c", "papers").stderr
    assert faldone("search", "x", "-k", "0").exit_code == 2


# ---- documents and collections -------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_documents_are_listed_shown_and_dropped() -> None:
    rows = told(faldone("documents", "list", "-c", "spare", "--json"))["documents"]
    assert sorted(row["state"] for row in rows) == ["indexed"] * 3 + ["quarantined"]
    [bad] = told(faldone("documents", "list", "-c", "spare", "--state", "quarantined", "--json"))["documents"]
    assert (bad["stage"], bad["kind"], bad["attempts"]) == ("parse", "empty", 1)
    assert "empty" in faldone("documents", "list", "-c", "spare").stdout
    shown = told(faldone("documents", "show", 'l\'altro "c".txt', "-c", "spare", "--json"))
    assert (shown["language"], shown["chunks"]) == ("it", 1)
    for line in (["show", "nope.txt"], ["drop", "nope.txt"], ["retry", "nope.txt"], ["list", "-c", "nowhere"]):
        result = faldone("documents", *line, *(["-c", "spare"] if "-c" not in line else []), "--json")
        assert (result.exit_code, result.stdout) == (2, "")
    trial = told(faldone("documents", "drop", "b.txt", "-c", "spare", "--dry-run", "--json"))
    dropped = told(faldone("documents", "drop", "b.txt", "-c", "spare", "--json"))
    assert trial["dropped"] == dropped["dropped"] != []
    assert told(faldone("search", "inventory", "-c", "spare", "--where", "language=en", "--json"))["hits"] == []


def test_collections_are_listed_shown_and_dropped(shelf: Path) -> None:
    rows = {row["collection"]: row for row in told(faldone("collections", "list", "--json"))["collections"]}
    assert (rows["papers"]["documents"], rows["papers"]["chunks"], rows["hollow"]["documents"]) == (3, 3, 0)
    assert rows["papers"]["bytes"] > 0
    shown = told(faldone("collections", "show", "papers", "--json"))
    assert (shown["quarantined"], shown["languages"]) == (1, {"it": 2, "en": 1})
    index(load(), "going", shelf / "papers")
    assert faldone("collections", "drop", "going", text="n\n").exit_code == 1
    assert told(faldone("collections", "drop", "going", "--dry-run", "--json"))["dropped"] == []
    assert told(faldone("collections", "drop", "going", "--yes", "--json"))["dropped"] == ["going"]
    assert faldone("collections", "show", "going").exit_code == 2
    for lost, said in (("data", "a ledger that cannot be read"), ("", "tables that no ledger knows")):
        index(load(), "going", shelf / "papers")
        shutil.rmtree(Path(load().root) / "lake" / "going.documents.lance" / lost)
        asked = faldone("collections", "drop", "going", text="n\n")
        assert asked.exit_code == 1 and said in asked.output
        assert told(faldone("collections", "drop", "going", "--yes", "--json"))["dropped"] == ["going"]
        assert not list((Path(load().root) / "lake").glob("going.*"))


# ---- index -------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("api")
def test_index_ends_with_3_when_a_document_failed_and_retry_takes_it_up_again(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text(ITALIAN)
    (tmp_path / "later.txt").write_bytes(b"")
    result = faldone("index", str(tmp_path / "good.txt"), str(tmp_path / "later.txt"), "-c", "mine", "--json")
    assert (result.exit_code, told(result)["documents"]["quarantined"]) == (3, 1)
    (tmp_path / "later.txt").write_text(ENGLISH)
    again = faldone("documents", "retry", "-c", "mine", "--json")
    assert (again.exit_code, told(again)["documents"]["indexed"]) == (0, 1)
    assert told(faldone("documents", "retry", "-c", "mine", "--json"))["documents"] == 0


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (["/no/such/place"], "/no/such/place: no such file or folder"),
        (["nothing/*.pdf", "-c", "No Name"], "collection"),
        (["nosuch://bucket/x"], "nosuch"),
    ],
)
def test_index_refuses_bad_input_in_one_line(line: list[str], reason: str) -> None:
    result = faldone("index", *line, "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert reason in result.stderr.splitlines()[-1]


def command(*line: str) -> list[str]:
    return [sys.executable, "-c", "from deployments.cli import main; main()", *line]


@pytest.mark.slow
def test_an_address_where_nobody_answers_is_named_at_once(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": HERE, "PREFECT_API_URL": "http://127.0.0.1:1/api"}
    done = subprocess.run(command("index", str(tmp_path)), env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("faldone: no Prefect server answers")
    assert done.stderr.count("\n") == 1


@pytest.mark.e2e
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_within_seconds_and_leaves_nothing_behind(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    import psutil

    (tmp_path / "many").mkdir()
    for i in range(3_000):
        (tmp_path / "many" / f"{i}.txt").write_text(ITALIAN.format(i=i) * 20)
    home = tmp_path / "home"
    environment = {**os.environ, "PYTHONPATH": HERE, "FALDONE_HOME": str(home)}
    child = subprocess.Popen(
        command("index", str(tmp_path / "many")), env=environment, stderr=subprocess.PIPE, text=True
    )
    assert child.stderr
    for line in child.stderr:
        if line.startswith("index "):
            break
    time.sleep(1)
    family = psutil.Process(child.pid).children(recursive=True)
    assert family
    child.send_signal(number)
    began = time.monotonic()
    assert child.wait(30) == status
    assert time.monotonic() - began < 5
    assert "the same command goes on from there" in child.stderr.read()
    assert not psutil.wait_procs(family, timeout=3)[1]
    assert not list((home / "staging").iterdir())
