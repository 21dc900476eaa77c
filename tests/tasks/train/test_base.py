"""Which model a training builds on when none is named."""

from __future__ import annotations

import pytest

from infra import multilingual
from tasks.train.work_folder import base_for
from tests.tasks.train.conftest import sentences

ENGLISH = [text for text, _ in sentences(40)]
ITALIAN = [
    "La società chiude l'anno con un utile più alto di quello del bilancio precedente.",
    "I ricavi della filiale sono in calo dall'inizio del trimestre.",
    "Il consiglio ha deciso di non distribuire dividendi agli azionisti.",
    "La consegna della merce è in ritardo anche nella sede di Torino.",
]


@pytest.mark.parametrize(
    ("texts", "base"),
    [
        (ENGLISH, "bundled"),
        (ITALIAN, "multilingual"),
        (ENGLISH + ITALIAN, "bundled"),  # 40 and 4: an English file with a few letters from Italy
        (ENGLISH[:20] + ITALIAN, "multilingual"),
        (["ok", "no", "si"], "bundled"),  # too short to tell
        (["Die Gesellschaft hat im vergangenen Jahr einen Gewinn von zwei Millionen Euro erzielt."], "multilingual"),
    ],
)
def test_the_language_of_the_texts_decides(texts: list[str], base: str) -> None:
    assert base_for(texts) == base


def test_no_wheel_of_the_multilingual_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multilingual, "PACKAGE", "no_such_wheel")
    assert base_for(ITALIAN) == "bundled"
