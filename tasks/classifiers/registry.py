"""The model registry: FALDONE_HOME/models/NAME/VERSION/ and a pointer file `current` beside the versions.

A version is complete or not there: it is written beside under a hidden name and renamed. Its name is the date and
a hash of its weights, data and settings. With a remote data folder the registry is a local copy that is fetched
before reading and sent after writing (`classifier.json` last, so that a half-sent version does not count).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra import files
from infra.errors import UsageError
from infra.machine import replace_file, sync_path
from infra.settings import Settings
from infra.swap import place_folder
from tasks.classifiers.spec import NAME, read_json

VERSION = re.compile(r"\d{4}-\d{2}-\d{2}-[0-9a-f]{8}")
MARKER = "classifier.json"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registered model: `current` says whether its name alone means it."""

    name: str
    version: str
    current: bool
    kind: str
    labels: tuple[str, ...]
    metrics: Mapping[str, float]
    created_at: str
    path: Path


def root(settings: Settings) -> Path:
    """Return the folder of all models on this machine."""
    return settings.scratch / "models"


def register(settings: Settings, built: Path, name: str, version: str) -> Path:
    """Put a finished model folder into the registry, all at once; `current` does not move.

    Registering the same version again (a retry) replaces it by itself.
    """
    home = root(settings) / name
    home.mkdir(parents=True, exist_ok=True)
    part, final = home / f".{version}.part", home / version
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(built, part)
    for path in part.rglob("*"):
        sync_path(path)
    place_folder(part, final)
    if settings.remote:
        files.send_folder(final, _remote(settings, f"{name}/{version}"), last=MARKER)
    return final


def versions(settings: Settings, name: str | None = None) -> list[ModelVersion]:
    """Return every registered version, by name and then the newest first."""
    _fetch(settings)
    found = []
    for marker in root(settings).glob(f"{name or '*'}/*/{MARKER}"):
        if VERSION.fullmatch(marker.parent.name):
            about = read_json(marker)
            found.append(_version(about, marker.parent))
    return sorted(found, key=lambda m: (m.name, _reversed(m.created_at), m.version))


def _version(about: Mapping[str, object], folder: Path) -> ModelVersion:
    metrics = read_json(folder / "metrics.json")
    return ModelVersion(
        name=folder.parent.name,
        version=folder.name,
        current=_pointer(folder.parent) == folder.name,
        kind=str(about["kind"]),
        labels=tuple(about["labels"]),  # type: ignore[arg-type]
        metrics=metrics["summary"],
        created_at=str(about["created_at"]),
        path=folder,
    )


def find(settings: Settings, model: str) -> Path | None:
    """Return the folder of `name` (its current version) or `name@version`; None if the registry has no such name.

    Raises:
        UsageError: the name is there and the version is not, or no version is current.
    """
    name, _, version = model.partition("@")
    if not NAME.fullmatch(name):
        return None
    _fetch(settings)
    home = root(settings) / name
    if not any(home.glob(f"*/{MARKER}")):
        return None
    version = version or _pointer(home)
    if not version:
        raise UsageError(f"model {name} has no current version: faldone models promote {name}@VERSION")
    if not VERSION.fullmatch(version) or not (home / version / MARKER).is_file():
        raise UsageError(f"model {name} has no version {version}; see faldone models list")
    return home / version


def get(settings: Settings, model: str) -> ModelVersion:
    """Return one registered version, by `name` or `name@version`.

    Raises:
        UsageError: there is no such model.
    """
    folder = find(settings, model)
    if folder is None:
        raise UsageError(f"there is no registered model {model!r}; see faldone models list")
    return _version(read_json(folder / MARKER), folder)


def current(settings: Settings, name: str) -> Path | None:
    """Return the folder of the current version, or None where there is none yet."""
    _fetch(settings)
    version = _pointer(root(settings) / name)
    folder = root(settings) / name / version
    return folder if version and (folder / MARKER).is_file() else None


def promote(settings: Settings, name: str, version: str) -> ModelVersion:
    """Make a version the current one; the pointer is replaced in one step.

    Raises:
        UsageError: there is no such version.
    """
    chosen = get(settings, f"{name}@{version}")
    pointer = root(settings) / name / "current"
    replace_file(pointer, version + "\n")
    if settings.remote:
        files.send_file(pointer, _remote(settings, f"{name}/current"))
    return _version(read_json(chosen.path / MARKER), chosen.path)


def remove(settings: Settings, model: str) -> list[str]:
    """Remove `name@version`, or with a bare name every version; gives the versions that went.

    Raises:
        UsageError: there is no such model, or the version is the current one and there are others.
    """
    name, _, version = model.partition("@")
    there = versions(settings, name) if NAME.fullmatch(name) else []
    gone = [m for m in there if not version or m.version == version]
    if not gone:
        raise UsageError(f"there is no registered model {model!r}; see faldone models list")
    if len(gone) < len(there) and any(m.current for m in gone):
        raise UsageError(f"{model} is the current version: promote another one first")
    home = root(settings) / name
    for one in gone:
        if settings.remote:
            files.remove_tree(_remote(settings, f"{name}/{one.version}"))
        shutil.rmtree(one.path)
    if len(gone) == len(there):
        if settings.remote:
            files.remove_tree(_remote(settings, name))
        shutil.rmtree(home)
    return [one.version for one in gone]


def _pointer(home: Path) -> str:
    pointer = home / "current"
    return pointer.read_text().strip() if pointer.is_file() else ""


def _reversed(text: str) -> tuple[int, ...]:
    return tuple(-ord(letter) for letter in text)


def _remote(settings: Settings, inner: str) -> str:
    return f"{settings.root}/models/{inner}"


def _fetch(settings: Settings) -> None:
    if settings.remote:
        files.sync_versions(f"{settings.root}/models", root(settings), marker=MARKER)
