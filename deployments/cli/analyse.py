"""The verb `analyse`: figures, sentiment, classes or a comprehensive reading of indexed documents."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from deployments.cli.output import CollectionOption, Exit, JsonOption, emit, errors_shown, fail, run_flow, table
from tasks.names import AnalysisName

SHOWN = 20  # documents in the tables for people; --json has all


def analyse(
    type: Annotated[AnalysisName, typer.Option("--type", "-t", help="Which analysis.")] = "comprehensive",
    collection: CollectionOption = "documents",
    document: Annotated[
        list[str] | None,
        typer.Option(
            "--document", "-d", help="Id, path or file name of a document; may be repeated.", metavar="ID_OR_PATH"
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", help="A trained classifier: for classify, or for sentiment. See faldone models list."
        ),
    ] = None,
    summary_model: Annotated[
        str | None,
        typer.Option(help="A text-generation model (folder or Hugging Face id) that adds a summary in its own words."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Analyse again even what did not change.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Analyse the documents of a collection, or some of them.

    Results are kept: a document that did not change is not analysed again. A failure is a result with its reason.

    Example: faldone analyse --type financial --collection finance --document bilancio.pdf
    """
    with errors_shown():
        if type == "classify" and not model:
            fail("classify needs a trained model: --model NAME (see faldone models list)", Exit.USAGE)
        if summary_model and type != "comprehensive":
            fail("--summary-model goes with --type comprehensive", Exit.USAGE)
        documents = [_absolute(name) for name in document] if document else None
        parameters = {
            "collection": collection,
            "type": type,
            "documents": documents,
            "model": model,
            "summary_model": summary_model,
            "force": force,
        }
        answer = run_flow("analyse", parameters)
        if answer["results"] is None:
            _stream(answer, parameters, as_json)
        elif as_json:
            emit(answer, True)
        else:
            _show(answer, answer["results"])
    if answer["failed"]:
        raise typer.Exit(int(Exit.SOME_FAILED))


def _absolute(name: str) -> str:
    """Return a path to a file that is there, made absolute; an id or a file name as it is."""
    path = Path(name).expanduser()
    return str(path.absolute()) if "://" not in name and path.exists() else name


def _stream(answer: dict[str, Any], parameters: dict[str, Any], as_json: bool) -> None:
    """Write results that do not fit in memory, from the lake to the output one at a time."""
    from infra.settings import load
    from tasks.analyse.run import stored_results

    texts = stored_results(
        load(),
        parameters["collection"],
        parameters["type"],
        parameters["model"],
        parameters["summary_model"],
        parameters["documents"],
    )
    if not as_json:
        _show(answer, (json.loads(text) for text in texts))
        return
    head = json.dumps({name: value for name, value in answer.items() if name != "results"}, ensure_ascii=False)
    sys.stdout.write(f'{head[:-1]}, "results": [')
    for number, text in enumerate(texts):
        sys.stdout.write(f"{', ' if number else ''}{text}")
    sys.stdout.write("]}\n")
    sys.stdout.flush()


# ---- for people ----------------------------------------------------------------------------------------------------


def _show(answer: dict[str, Any], results: Iterable[dict[str, Any]]) -> None:
    """Show a table of the first documents, and one line on all."""
    shown: list[dict[str, Any]] = []
    failures: list[dict[str, Any]] = []
    for result in results:
        if "error" in result:
            failures.append(result)
        elif len(shown) < SHOWN:
            shown.append(result)
    if len(shown) == 1 and not failures:
        _one(answer["type"], shown[0])
    elif shown:
        columns, rows = _overview(answer["type"], shown)
        table(f"{answer['type']} · {answer['collection']}", ["document", *columns], rows)
    lines = [
        f"{answer['successful']} of {answer['total']} documents, {answer['analysed']} analysed now and "
        f"{answer['unchanged']} unchanged, in {answer['seconds']:.1f} s"
    ]
    more = answer["successful"] - len(shown)
    lines += [f"… and {more} more documents: see them with --json or --document"] if more > 0 else []
    lines += [f"  failed: {row['path']}: {row['error']}" for row in failures[:SHOWN]]
    emit({}, False, "\n".join(lines))


def _overview(type: str, results: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """Return the columns of an analysis and a row for each document."""
    if type == "financial":
        columns, cells = ["currency", "periods", "figures", "metrics", "note"], _financial_cells
    elif type == "sentiment":
        columns, cells = ["label", "score", "passages +", "passages −"], _sentiment_cells
    elif type == "classify":
        columns, cells = ["label", "score"], _class_cells
    elif type == "tables":
        columns, cells = ["tables", "note"], _table_cells
    else:
        columns, cells = ["language", "pages", "sentiment", "figures", "key phrases"], _reading_cells
    return columns, [[_name(result), *cells(result)] for result in results]


def _name(result: dict[str, Any]) -> str:
    return str(result["path"]).rsplit("/", 1)[-1]


def _financial_cells(result: dict[str, Any]) -> list[Any]:
    periods = ", ".join(result["fiscal_periods"][:4])
    note = (result.get("reasons") or [""])[0]
    return [result["currency"] or "", periods, len(result["figures"]), len(result["metrics"]), note]


def _sentiment_cells(result: dict[str, Any]) -> list[Any]:
    counts = result.get("counts", {})
    return [result["label"], f"{result['score']:.2f}", counts.get("positive", 0), counts.get("negative", 0)]


def _class_cells(result: dict[str, Any]) -> list[Any]:
    return [result["label"], f"{result['scores'][result['label']]:.2f}"]


def _table_cells(result: dict[str, Any]) -> list[Any]:
    return [len(result["tables"]), (result.get("reasons") or [""])[0]]


def _reading_cells(result: dict[str, Any]) -> list[Any]:
    figures = len((result.get("financial") or {}).get("figures", ()))
    phrases = ", ".join(row["phrase"] for row in result["keyphrases"][:4])
    return [result["language"], result["statistics"]["pages"], result["sentiment"]["label"], figures or "", phrases]


def _one(type: str, result: dict[str, Any]) -> None:
    """Show a single document in full."""
    emit({}, False, str(result["path"]))
    if type == "comprehensive":
        emit({}, False, "\n".join(_reading_lines(result)))
    part = result if type == "financial" else result.get("financial")
    if part and part.get("figures") is not None:
        _figures(part)
    elif type != "comprehensive":
        columns, rows = _overview(type, [result])
        table(type, ["document", *columns], rows)


def _reading_lines(result: dict[str, Any]) -> Iterator[str]:
    generated = result.get("generated_summary")
    if generated:
        yield f"\nGenerated summary ({generated['model']}): {generated['text']}\n({generated['notice']})"
    yield "\nSummary"
    yield from (f"  p. {row['page']:>3}  {row['text']}" for row in result["summary"])
    yield "\nKey phrases\n  " + ", ".join(row["phrase"] for row in result["keyphrases"])
    tone, counts = result["sentiment"], result["statistics"]
    yield f"\nSentiment  {tone['label']} ({tone['score']:.2f}, model {tone['model']})"
    for kind, number in result["entity_counts"].items():
        some = [row["text"] for row in result["entities"] if row["kind"] == kind][:6]
        yield f"{kind:>12}  {number}: {', '.join(some)}{' …' if number > len(some) else ''}"
    yield "Statistics  " + ", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in counts.items())


def _figures(part: dict[str, Any]) -> None:
    """Show figures and metrics with their periods as columns."""
    periods = part["fiscal_periods"][:4]
    for title, key, rows in (("Figures", "item", part["figures"]), ("Metrics", "metric", part["metrics"])):
        names = list(dict.fromkeys(row[key] for row in rows))
        values = {(row[key], row["period"]): row for row in rows}
        lines = [[name, *(_number(values.get((name, period))) for period in periods)] for name in names]
        if lines:
            table(f"{title} ({part['currency'] or 'no currency named'})", [key, *periods], lines)
    for reason in part.get("reasons", ()):
        emit({}, False, f"  {reason}")


def _number(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    value = row["value"]
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.3g}"
