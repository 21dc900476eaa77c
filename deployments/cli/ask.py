"""The verb ask: a figure with its place, or the hits of a search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployments.cli.output import CollectionOption, JsonOption, emit, errors_shown

if TYPE_CHECKING:
    from infra.lake import Lake


def ask(
    question: Annotated[str, typer.Argument(help="For a figure: an item or a metric, a year, a firm.")],
    collection: CollectionOption = "documents",
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="Hits that are shown where there is no figure.")] = 5,
    crop: Annotated[
        str, typer.Option(help="Write a picture of the figure as it is printed, as PNG, to this path or URL.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Answer a question for a figure from the analysed statements: value, formula, document, page.

    No language model is asked. What is not understood, or not known, is searched for instead, and the answer says why.

    Example: faldone ask "ricavi 2024 di Montescaro" --crop ricavi.png
    """
    with errors_shown():
        from infra.encoders import load_encoders
        from infra.lake import Lake
        from infra.settings import load
        from tasks.ask import answer
        from tasks.search import Searcher

        settings = load()
        lake = Lake(settings.root)
        found = answer(lake, collection, question)
        result: dict[str, Any] = {"question": question, "collection": collection, **found.as_json(), "hits": []}
        if not found.found:
            hits = Searcher(lake, load_encoders(settings), collection).search(question, k)
            result["hits"] = hits.as_json()["hits"]
        if crop:
            result |= _cropped(lake, collection, result, crop)
        emit(result, as_json, None if as_json else _text(result))


def _cropped(lake: Lake, collection: str, result: dict[str, Any], crop: str) -> dict[str, str | None]:
    """Write the picture; where there is none, say why, and let the answer stand."""
    from infra.errors import UsageError
    from infra.outputs import delivered
    from tasks.export.crops import cut_one

    if not result["answered"]:
        return {"crop": None, "crop_reason": "there is no figure to cut out"}
    try:
        picture = cut_one(lake, collection, result["document_id"], result.get("page") or 0, result.get("box"))
    except UsageError as error:
        return {"crop": None, "crop_reason": str(error)}
    with delivered(crop) as file:
        file.write_bytes(picture)
    return {"crop": crop, "crop_reason": ""}


def _text(result: dict[str, Any]) -> str:
    if not result["answered"]:
        lines = [f"No figure: {result['reason']}. What search finds:"]
        lines += [
            f"  {hit['path']}, page {hit['page_first']}: {' '.join(hit['text'].split())[:100]}"
            for hit in result["hits"]
        ]
        return "\n".join(lines)
    lines = [_line(result), *(f"  also: {_line(result | other)}" for other in result["others"])]
    if "crop" in result:
        lines.append(f"  picture: {result['crop']}" if result["crop"] else f"  no picture: {result['crop_reason']}")
    return "\n".join(lines)


def _line(row: dict[str, Any]) -> str:
    value = f"{row['value']:,.4f}".rstrip("0").rstrip(".") if isinstance(row["value"], float) else f"{row['value']:,}"
    label = f" «{row['label']}»" if row.get("label") else ""
    formula = f" = {row['formula']} {row.get('inputs') or ''}".rstrip() if row.get("formula") else ""
    page = f", page {row['page']}" if row.get("page") else ""
    firm = f" of {row['company']}" if row.get("company") else ""
    return f"{row['item']} {row['period']}{firm}: {value} {row.get('unit') or ''}{label}{formula} ({row['path']}{page})"
