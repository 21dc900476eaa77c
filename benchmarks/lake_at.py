"""A lake as it was: its tables are read at given versions. For what compares a backup with the moment that it was made at."""

from __future__ import annotations

from typing import Any

from infra.lake import Lake


class LakeAt(Lake):
    """A lake whose tables are read at given versions."""

    def __init__(self, root: str, versions: dict[str, int]) -> None:
        super().__init__(root)
        self._versions = versions

    def names(self) -> list[str]:
        """Name the tables that have a version."""
        return sorted(self._versions)

    def _open(self, name: str) -> Any:
        opened = super()._open(name)
        opened.checkout(self._versions[name])
        return opened
