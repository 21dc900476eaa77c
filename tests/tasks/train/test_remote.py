"""The registry in a remote data folder: two machines that share an object store (fsspec's in-memory one here)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import fsspec
import pytest

from infra.settings import Settings
from tasks.classifiers import registry
from tasks.classifiers.predict import load_classifier
from tasks.classifiers.spec import TrainSpec

from .test_release import _train

pytestmark = pytest.mark.slow


@pytest.fixture
def remote() -> Iterator[Settings]:
    yield Settings(home="memory://bucket/faldone", device="cpu", single_writer=True)
    fsspec.filesystem("memory").store.clear()


def test_a_model_trained_on_one_machine_serves_on_another(
    remote: Settings, data: str, tiny_base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = TrainSpec(data, "tiny", "head", tiny_base)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    monkeypatch.chdir(tmp_path / "one")
    first, _ = _train(remote, spec)
    scores = load_classifier(remote, "tiny").predict(["the company said profit rose"])[0].scores

    monkeypatch.chdir(tmp_path / "two")
    assert [(m.version, m.current) for m in registry.versions(remote)] == [(first.version, True)]
    assert load_classifier(remote, "tiny").predict(["the company said profit rose"])[0].scores == scores
    second, _ = _train(remote, replace(spec, seed=1))
    registry.promote(remote, "tiny", second.version)

    monkeypatch.chdir(tmp_path / "one")
    assert registry.get(remote, "tiny").version == second.version
    registry.remove(remote, f"tiny@{first.version}")

    monkeypatch.chdir(tmp_path / "two")
    assert [m.version for m in registry.versions(remote)] == [second.version]


def test_a_half_sent_version_does_not_count(remote: Settings, tmp_path: Path) -> None:
    store = fsspec.filesystem("memory")
    store.pipe("/bucket/faldone/models/tiny/2020-01-01-00000000/head.safetensors", b"x")
    assert registry.versions(remote) == []


def test_nothing_registered_yet(remote: Settings) -> None:
    assert registry.versions(remote) == []
