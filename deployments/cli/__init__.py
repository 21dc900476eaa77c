"""The command line `faldone`: one verb a job.

Modules of verbs import nothing heavy, so `faldone --help` answers at once; the work is imported where a verb begins.
"""

from __future__ import annotations

import sys
from importlib.metadata import version as package_version
from typing import Annotated

import typer

from deployments.cli import analyse, evaluate, export, index, jobs, maintain, platform, query, train

app = typer.Typer(
    name="faldone",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Turn folders of business documents into a searchable, analysed and reported corpus.",
)


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        sys.stdout.write(f"faldone {package_version('faldone')}\n")
        raise typer.Exit


app.command()(index.index)
app.command()(index.search)
app.command()(query.query)
app.command()(evaluate.evaluate)
app.command()(analyse.analyse)
app.command()(export.export)
app.command()(export.process)
for verb in (maintain.cleanup, maintain.optimise, maintain.backup, maintain.restore, maintain.audit, maintain.health):
    app.command()(verb)
app.command()(maintain.report)
app.command()(train.train)
app.command()(train.predict)
app.command()(platform.up)
app.command()(platform.down)
app.command()(platform.status)
app.add_typer(jobs.jobs_app, name="jobs")
app.add_typer(index.documents_app, name="documents")
app.add_typer(index.collections_app, name="collections")
app.add_typer(train.models_app, name="models")


def main() -> None:
    """The console script."""
    app()
