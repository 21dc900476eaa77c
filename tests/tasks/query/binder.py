"""The sample office of the repository, indexed for the tests of queries and reports."""

from __future__ import annotations

from pathlib import Path

from infra.lake import Lake
from infra.settings import Settings
from samples.make.binder import FILES, OWNER
from tasks.index.run import index
from tasks.query.office import Office

__all__ = ["OWNER", "filled"]


def filled(settings: Settings, folder: Path) -> Office:
    """The office, indexed as collection `c`."""
    folder.mkdir()
    for name, write in FILES.items():
        write(folder / name)
    index(settings, [str(folder)], "c")
    return Office(Lake(settings.root), "c", (OWNER,))
