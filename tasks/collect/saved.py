"""Sources in the lake: add, change, remove, which are due, and what a run left behind.

A source's name is unique over all collections: it names its lane, its password and its folder of messages. Rows are
changed under the writer's lane of their collection, read and written in one go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from infra import imap
from infra.errors import UsageError
from infra.files import is_url
from infra.lake import Lake, check_collection
from infra.lanes import writer_lane
from infra.settings import Settings
from infra.sources import check_allowed, root_of
from tasks.analyse import REGISTRY
from tasks.collection import tables
from tasks.collection.ledger import LEDGER
from tasks.collection.sources import SOURCES
from tasks.export.templates import MODULES

NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")  # also the end of an environment variable's name
EVERY = re.compile(r"([0-9]{1,6})\s*(m|h|d)")
MINUTES = {"m": 1, "h": 60, "d": 1440}
OFTEN, SELDOM = 1, 15  # minutes between two looks at a folder here, and at anything else, where nobody says
LONGEST = 366 * 1440
RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Step:
    """What follows the index: an analysis by its type, or a report by its template and language."""

    kind: Literal["analyse", "export"]
    name: str
    language: Literal["en", "it"] = "en"


@dataclass(frozen=True, slots=True)
class Source:
    """A saved source with the result of its last run; see `tasks.collection.sources` for the columns."""

    name: str
    collection: str
    location: str
    every: int
    then: str = ""
    prune: bool = True
    active: bool = True
    added_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    status: str = ""
    message: str = ""
    fetched: int = 0
    indexed: int = 0
    removed: int = 0
    waiting: int = 0
    failures: int = 0
    owed: bool = False

    @property
    def next_at(self) -> datetime | None:
        """When it is due next, to the minute; None while it is paused."""
        if not self.active:
            return None
        return _minute(self.started_at) + timedelta(minutes=self.every) if self.started_at else self.added_at

    @property
    def steps(self) -> tuple[Step, ...]:
        """What follows the index."""
        return parse_steps(self.then)

    def due(self, now: datetime) -> bool:
        """Say whether it is to run now."""
        at = self.next_at
        return at is not None and _minute(at) <= now

    def as_json(self) -> dict[str, Any]:
        """Give the source as `sources list --json` prints it."""
        row = {
            name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(self).items()
        }
        return row | {"next_at": self.next_at.isoformat() if self.next_at else None}


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


FIELDS = [field.name for field in fields(Source) if field.name != "collection"]


# ---- reading ---------------------------------------------------------------------------------------------------------


def listing(lake: Lake, collection: str | None = None) -> list[Source]:
    """List the saved sources, by name."""
    ending = f".{SOURCES.kind}"
    names = [tables.collection_of(table) for table in lake.names(f"*{ending}")]
    found = [_source(row, name) for name in names if collection in (None, name) for row in _rows(lake, name)]
    return sorted(found, key=lambda source: source.name)


def _rows(lake: Lake, collection: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = SOURCES.read(lake, collection).to_pylist()
    return rows


def _source(row: Mapping[str, Any], collection: str) -> Source:
    known = {name: row[name] for name in FIELDS if row.get(name) is not None}
    return Source(collection=collection, **known)


def find(lake: Lake, name: str) -> Source:
    """Find a source by its name.

    Raises:
        UsageError: there is none.
    """
    every = listing(lake)
    for source in every:
        if source.name == name:
            return source
    known = ", ".join(source.name for source in every) or "none yet"
    raise UsageError(f"there is no source {name} (there are: {known}): `faldone sources add` saves one")


def as_rows(settings: Settings, collection: str | None = None) -> list[dict[str, Any]]:
    """List the saved sources as `faldone sources list --json` prints them."""
    return [source.as_json() for source in listing(Lake(settings.root), collection)]


def due(settings: Settings, now: datetime) -> list[Source]:
    """List the active sources whose time has come, the one that has waited longest first."""
    waiting = [source for source in listing(Lake(settings.root)) if source.due(now)]
    return sorted(waiting, key=lambda source: (source.next_at or now, source.name))


# ---- changing --------------------------------------------------------------------------------------------------------


def add(
    settings: Settings,
    location: str,
    collection: str,
    name: str = "",
    every: str = "",
    then: str = "",
    prune: bool = True,
) -> Source:
    """Save a source; nothing runs yet.

    Raises:
        UsageError: it is not there, is not allowed, its name is taken, or a value cannot be read.
        TransientError: its server does not answer.
    """
    check_collection(collection)
    place = _checked(settings, location)
    name = name or _name_of(place)
    if not NAME.fullmatch(name):
        raise UsageError(f"--name {name}: use 1 to 40 lower-case letters, digits and _")
    parse_steps(then)
    lake = Lake(settings.root)
    if any(one.name == name for one in listing(lake)):
        raise UsageError(f"there is a source {name} already: give this one another --name, or remove that one")
    here = not is_url(place)
    minutes = minutes_of(every) if every else OFTEN if here else SELDOM
    source = Source(name, collection, place, minutes, then, prune, added_at=datetime.now(UTC))
    if imap.is_mailbox(place):
        with imap.opened(place, password(settings, name), setting(name)):
            pass  # it opens: what is wrong with the address or the credentials is said now
    with writer_lane(settings, collection):
        LEDGER.ensure(lake, collection)
        SOURCES.ensure(lake, collection)
        _write(lake, source)
    return source


def _checked(settings: Settings, location: str) -> str:
    """Give the location as it is kept: absolute, without a password, at a place that may be read."""
    if imap.is_mailbox(location):
        imap.parse(location)
        check_allowed(location, settings.sources)
        return location
    if is_url(location) and re.match(r"[^/]+://[^/@]*:[^/@]*@", location):
        scheme = location.split("://", 1)[0]
        raise UsageError(
            f"{scheme}://…: a password does not belong into the address: set FSSPEC_{scheme.upper()}_PASSWORD"
        )
    return root_of(location, settings.sources).location


def _name_of(location: str) -> str:
    """Make a name of the last part of a location."""
    last = location.rstrip("/").rpartition("/")[2] if not imap.is_mailbox(location) else imap.parse(location).user
    return re.sub(r"[^a-z0-9]+", "_", last.lower()).strip("_")[:40] or "source"


def change(settings: Settings, name: str, **values: Any) -> Source:
    """Change columns of a source, and return it as it is then.

    Raises:
        UsageError: there is no such source.
    """
    lake = Lake(settings.root)
    with writer_lane(settings, find(lake, name).collection):
        now = find(lake, name)
        changed = Source(**{field.name: getattr(now, field.name) for field in fields(Source)} | values)
        _write(lake, changed)
    return changed


def remove(settings: Settings, name: str) -> Source:
    """Forget a source; its documents stay in the collection, and messages that were fetched in the data folder.

    Raises:
        UsageError: there is no such source.
    """
    lake = Lake(settings.root)
    source = find(lake, name)
    with writer_lane(settings, source.collection):
        lake.delete(SOURCES.name(source.collection), {"name": name})
    return source


def _write(lake: Lake, source: Source) -> None:
    SOURCES.write(lake, source.collection, SOURCES.rows([{name: getattr(source, name) for name in FIELDS}]))


# ---- what a run tells ------------------------------------------------------------------------------------------------


def begin(settings: Settings, name: str) -> Source:
    """Note that a run begins."""
    counts = dict.fromkeys(("fetched", "indexed", "removed", "waiting", "failures"), 0)  # those of the run before
    return change(settings, name, started_at=datetime.now(UTC), status=RUNNING, message="", **counts)


def fail(settings: Settings, name: str, message: str, owed: bool) -> Source:
    """Note that a run failed and why; `owed` says that what follows the index is still to be done."""
    return change(settings, name, finished_at=datetime.now(UTC), status="failed", message=message, owed=owed)


def finish(
    settings: Settings, name: str, indexed: Mapping[str, Any], failures: int, notes: Sequence[str], fetched: int
) -> Source:
    """Note what a run did.

    Args:
        indexed: the result of its index.
        failures: of all parts.
        notes: sentences for a person.
    """
    counts = indexed["documents"]
    return change(
        settings,
        name,
        finished_at=datetime.now(UTC),
        status="completed_with_failures" if failures or notes else "completed",
        message="; ".join(notes),
        fetched=fetched,
        indexed=counts["indexed"] + counts["updated"],
        removed=counts["removed"],
        waiting=counts["waiting"],
        failures=failures,
        owed=False,
    )


def has_changed(indexed: Mapping[str, Any]) -> bool:
    """Say whether an index changed anything, so that analyses and reports are worth their time."""
    return any(indexed["documents"][name] for name in ("indexed", "updated", "removed"))


# ---- values that people write ----------------------------------------------------------------------------------------


def minutes_of(text: str) -> int:
    """Read 15m, 2h or 1d as minutes.

    Raises:
        UsageError: it is none of these.
    """
    match = EVERY.fullmatch(text.strip().lower())
    minutes = int(match[1]) * MINUTES[match[2]] if match else 0
    if not 1 <= minutes <= LONGEST:
        raise UsageError(f"--every {text}: write minutes, hours or days as 15m, 2h or 1d")
    return minutes


def span(minutes: int) -> str:
    """Write minutes as 15m, 2h or 1d."""
    unit = next(unit for unit in ("d", "h", "m") if not minutes % MINUTES[unit])
    return f"{minutes // MINUTES[unit]}{unit}"


def parse_steps(then: str) -> tuple[Step, ...]:
    """Read `analyse:financial,export:due-dates:it`; a part without a type or template takes the usual one.

    Raises:
        UsageError: there is no such step, type or template.
    """
    return tuple(_step(part) for part in (part.strip() for part in then.split(",")) if part)


def _step(text: str) -> Step:
    kind, _, rest = text.partition(":")
    name, _, language = rest.partition(":")
    if kind == "analyse" and not language:
        return Step("analyse", _among(name or "comprehensive", REGISTRY, text))
    if kind == "export" and language in ("", "en", "it"):
        return Step("export", _among(name or "analysis", MODULES, text), "it" if language == "it" else "en")
    raise UsageError(f"--then {text}: write analyse[:TYPE] or export[:TEMPLATE[:en|it]], separated by commas")


def _among(name: str, known: Iterable[str], text: str) -> str:
    if name not in known:
        raise UsageError(f"--then {text}: choose one of {', '.join(known)}")
    return name


def setting(name: str) -> str:
    """Name the environment variable with a source's password."""
    return f"FALDONE_PASSWORDS__{name.upper()}"


def password(settings: Settings, name: str) -> str:
    """Give a source's password.

    Raises:
        UsageError: it is not set.
    """
    secret = settings.passwords.of(name)
    if secret is None:
        raise UsageError(f"source {name}: its password is not set: put it into {setting(name)}")
    return secret.get_secret_value()


def spool(settings: Settings, name: str) -> Path:
    """Give the folder in which the messages of a mailbox are kept; it is local, as locks and staging are."""
    return settings.scratch / "sources" / name
