"""Every table of a collection: dropping, pruning, backup, audit and restore follow from this list."""

from __future__ import annotations

from collections.abc import Sequence

from infra.lake import Lake
from tasks.collection.analyses import ANALYSES
from tasks.collection.chunks import CHUNKS
from tasks.collection.elements import ELEMENTS
from tasks.collection.facts import FACTS
from tasks.collection.ledger import LEDGER
from tasks.collection.papers import PAPERS
from tasks.collection.table import Table

TABLES: tuple[Table, ...] = (LEDGER, ELEMENTS, CHUNKS, *PAPERS, ANALYSES, *(fact.table for fact in FACTS))
BY_KIND = {table.kind: table for table in TABLES}


def names(lake: Lake, collection: str) -> list[str]:
    """Name every table that a collection has, the ledger first."""
    return ledger_first(collection, lake.names(f"{collection}.*"))


def ledger_first(collection: str, names: Sequence[str]) -> list[str]:
    """Sort names of a collection's tables: without the ledger no row is anybody's."""
    return sorted(names, key=lambda name: (name != LEDGER.name(collection), name))


def collections(lake: Lake) -> list[str]:
    """Name every collection that has any table, even where its ledger is missing."""
    found: set[str] = set()
    for name in lake.folders("*.*"):
        if collection_of(name) not in found and lake.exists(name):
            found.add(collection_of(name))
    return sorted(found)


def collection_of(name: str) -> str:
    """Give the collection of a table's name."""
    return name.rpartition(".")[0]


def kind_of(name: str) -> str:
    """Give the kind of a table's name."""
    return name.rpartition(".")[2]


def delete_documents(lake: Lake, collection: str, documents: Sequence[str]) -> None:
    """Remove every row of documents from every table but the ledger."""
    for table in reversed(TABLES):
        if table is not LEDGER:
            table.delete(lake, collection, documents)
