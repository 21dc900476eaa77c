"""An index run without Prefect, for tests that need a collection of real files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infra.settings import Settings
from tasks.index import run


def index(settings: Settings, *sources: Path, collection: str = "c") -> dict[str, Any]:
    """Index sources into a collection, and prune what is gone."""
    return run.index(settings, [str(source) for source in sources], collection)
