"""The command line `faldone`: one verb a job.

Modules of verbs import nothing heavy, so `faldone --help` answers at once; the work is imported where a verb begins.
"""

from __future__ import annotations

import sys
from importlib.metadata import version as package_version
from typing import Annotated

import typer

from deployments.cli import (
    analyse,
    ask,
    corpus,
    evaluate,
    export,
    index,
    jobs,
    maintain,
    platform,
    query,
    sources,
    train,
)

app = typer.Typer(
    name="faldone",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Turn folders of business documents into a searchable, analysed and reported corpus.",
)


def _print_version(wanted: bool) -> None:
    if wanted:  # in a callback of the option: without a command that of the application is never called
        sys.stdout.write(f"faldone {package_version('faldone')}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    pass


MAIN, KEEPING, PLATFORM, LOOKING = "Main job", "Maintenance", "Platform", "Look-ups"
PANELS = {
    MAIN: (
        index.index,
        index.search,
        query.query,
        ask.ask,
        analyse.analyse,
        export.export,
        export.process,
        train.train,
        train.predict,
    ),
    PLATFORM: (platform.up, platform.down, platform.status),
    KEEPING: (
        maintain.cleanup,
        maintain.optimise,
        maintain.backup,
        maintain.restore,
        maintain.audit,
        maintain.health,
        maintain.report,
    ),
    LOOKING: (evaluate.evaluate,),
}
for panel, verbs in PANELS.items():
    for verb in verbs:
        app.command(rich_help_panel=panel)(verb)
app.add_typer(jobs.jobs_app, name="jobs", rich_help_panel=PLATFORM)
app.add_typer(sources.sources_app, name="sources", rich_help_panel=MAIN)
index.documents_app.command("export")(corpus.documents_export)
app.add_typer(index.documents_app, name="documents", rich_help_panel=LOOKING)
app.add_typer(index.collections_app, name="collections", rich_help_panel=LOOKING)
app.add_typer(train.models_app, name="models", rich_help_panel=LOOKING)


def main() -> None:
    """Run the console script."""
    app()
