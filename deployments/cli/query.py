"""The verb `query`: rows of the typed tables by conditions, on the terminal or as a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployments.cli.output import CollectionOption, Exit, JsonOption, emit, errors_shown, fail, table

if TYPE_CHECKING:
    from tasks.query.views import View

SHOWN = 9
"""Columns that a terminal has room for; a file has them all."""

FIRST = {
    "invoices": "number date type supplier customer total to_pay sdi_state findings",
    "invoice_lines": "number date supplier text quantity price amount rate nature",
    "invoice_vat": "number date supplier_vat rate nature taxable tax due",
    "dues": "due amount number date supplier customer method_words state paid_on",
    "parties": "name vat cf roles documents country",
    "movements": "date amount text counterpart account matched kind",
    "findings": "level number message difference path",
    "expiries": "date kind party notice text",
}


def query(
    name: Annotated[
        str, typer.Argument(metavar="TABLE", help="invoices, dues, movements, expiries … ; any other name lists them.")
    ],
    where: Annotated[
        list[str] | None,
        typer.Option(
            help="A condition: supplier_vat=IT…, date=2026-01..2026-03, total>1000, text~freight; may be repeated."
        ),
    ] = None,
    collection: CollectionOption = "documents",
    office: Annotated[
        list[str] | None,
        typer.Option(help="VAT number of the firm whose papers these are; FALDONE_OFFICE when left out."),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values.")] = False,
    as_xlsx: Annotated[bool, typer.Option("--xlsx", help="A workbook; needs --output.")] = False,
    as_parquet: Annotated[bool, typer.Option("--parquet", help="A Parquet file; needs --output.")] = False,
    output: Annotated[str, typer.Option(help="Write a file, a path or a URL, instead of printing.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Print rows of a typed table: invoices, instalments, movements, figures and more.

    Example: faldone query dues --where due=2026-05 --where state=open
    """
    with errors_shown():
        from infra.lake import Lake
        from infra.settings import load
        from tasks.query.conditions import check_columns, conditions, selected
        from tasks.query.office import Office
        from tasks.query.views import View, view

        settings = load()
        lake = Lake(settings.root)
        found = view(Office(lake, collection, office or settings.office), name, lake)
        wanted = conditions(where or [])
        check_columns(wanted, found.kinds, f"table {name}")
        rows = selected(found.rows, wanted, found.kinds)
        if name == "dues" and "duplicate" not in {condition.column for condition in wanted}:
            kept = [row for row in rows if not row["duplicate"]]
            if left := len(rows) - len(kept):
                sys.stderr.write(f"{left} instalments of duplicates are left out; --where duplicate=yes shows them\n")
            rows = kept
        chosen = View(found.table, [dict(row) for row in rows], found.kinds)
        form = _form(as_csv, as_xlsx, as_parquet, as_json, output)
        if output:
            _write(chosen, form, output, as_json)
        else:
            _print(chosen, form, collection)


def _form(as_csv: bool, as_xlsx: bool, as_parquet: bool, as_json: bool, output: str) -> str:
    """Return the format by its switch, else by the ending of the file."""
    switches = {"csv": as_csv, "xlsx": as_xlsx, "parquet": as_parquet}
    chosen = [name for name, on in switches.items() if on]
    if len(chosen) > 1:
        fail(f"choose one of {', '.join('--' + name for name in chosen)}", Exit.USAGE)
    if not chosen and output:
        chosen = [Path(output).suffix.lstrip(".").lower()]
        if chosen[0] not in (*switches, "json"):
            fail(f"--output {output}: end the name in .csv, .xlsx, .parquet or .json, or say --csv", Exit.USAGE)
    form = chosen[0] if chosen else "json" if as_json else "table"
    if form in ("xlsx", "parquet") and not output:
        fail(f"--{form} needs --output FILE", Exit.USAGE)
    return form


def _write(chosen: View, form: str, output: str, as_json: bool) -> None:
    import json

    from infra.outputs import absolute, delivered
    from tasks.query.output import as_bytes, as_json_rows

    if form == "json":
        data = json.dumps(as_json_rows(chosen.rows), ensure_ascii=False, indent=1).encode()
    else:
        data = as_bytes(chosen, form)
    with delivered(output) as file:
        file.write_bytes(data)
    receipt = {
        "status": "completed",
        "table": chosen.table,
        "rows": len(chosen.rows),
        "path": absolute(output),
        "bytes": len(data),
    }
    emit(receipt, as_json, f"{len(chosen.rows)} rows of {chosen.table} in {output}")


def _print(chosen: View, form: str, collection: str) -> None:
    from tasks.query.output import as_csv, as_json_rows

    if form == "csv":
        sys.stdout.write(as_csv(chosen))
    elif form == "json":
        emit(
            {
                "table": chosen.table,
                "collection": collection,
                "columns": dict(chosen.kinds),
                "rows": as_json_rows(chosen.rows),
            },
            True,
        )
    else:
        names = (
            FIRST.get(chosen.table, "").split() or [n for n in chosen.kinds if n not in ("document_id", "path")][:SHOWN]
        )
        cells = [tuple(_cell(row[name], chosen.kinds[name], name) for name in names) for row in chosen.rows]
        table(f"{len(chosen.rows)} rows of {chosen.table} in {collection}", names, cells)


def _cell(value: Any, kind: str, name: str) -> str:
    """Return a value for the terminal: amounts grouped, a path by its last part."""
    if value is None:
        return ""
    if name == "path":
        return str(value).rsplit("/", 1)[-1]
    return f"{value:,.2f}" if kind == "number" else str(value)
