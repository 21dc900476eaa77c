"""Encoders by language: which one reads what, and what tells a pair from its parts."""

from __future__ import annotations

import numpy as np
import pytest

from infra import multilingual
from infra.encoders import AUTO, Encoders, load_encoders
from infra.errors import UsageError
from infra.settings import Settings, load

needs_wheel = pytest.mark.skipif(not multilingual.installed(), reason="there is no wheel of it for this machine")


@needs_wheel
def test_english_is_read_by_one_model_and_the_rest_by_the_other(settings: Settings) -> None:
    encoders = load_encoders(settings)
    english, other = encoders.of("en"), encoders.of("it")
    assert (settings.embedding_model, encoders.name) == (AUTO, AUTO)
    assert (english.name, other.name) == ("bundled", multilingual.NAME)
    assert encoders.of("de") is encoders.of("") is other
    assert encoders.first is english
    assert len({encoders.fingerprint, english.fingerprint, other.fingerprint}) == 3
    assert encoders.fingerprint != Encoders(AUTO, english, {"it": other}).fingerprint


def test_one_model_keeps_its_own_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALDONE_EMBEDDING_MODEL", "bundled")
    alone = load_encoders(load())
    assert alone.parts == (alone.of("it"),) == (alone.of("en"),)
    assert alone.fingerprint == alone.first.fingerprint


def test_without_the_wheel_english_reads_all_and_says_so(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(multilingual, "PACKAGE", "no_such_package")
    encoders = load_encoders(settings)
    assert encoders.parts == (encoders.of("it"),)
    assert "no_such_package is not installed" in caplog.text


def test_vectors_of_different_length_are_refused() -> None:
    english = load_encoders(Settings(embedding_model="bundled")).first

    class Wide:
        fingerprint, dimension, max_tokens = "wide", 8, 512

    with pytest.raises(UsageError, match="differ in length"):
        Encoders("both", english, {"it": Wide()})  # type: ignore[dict-item]
    assert np.isfinite(english.dimension)
