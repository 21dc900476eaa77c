"""Which texts train, which choose, and which judge: stratified, seeded, and stable when the data grow.

A text's place follows from a hash of the seed and the text, not from a shuffle of the rows. So a new version trained
on a longer file keeps (nearly all of) the old held-out texts out of training, and two versions can be compared fairly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from infra.errors import UsageError
from tasks.train.data import same_text

TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1


def assign(texts: Sequence[str], labels: Sequence[str], given: Sequence[str], seed: int, path: str = "") -> list[str]:
    """Return `train`, `validation` or `test` for each text.

    Each class gives its share of test and validation texts, at least one each. Where the file says which rows are for
    training and test, that stands, and validation texts are cut from the training rows only if the file names none.

    Raises:
        UsageError: a given split leaves a class with no training text.
    """
    places = list(given) if any(given) else [""] * len(texts)
    by_class: dict[str, list[int]] = {}
    for i, label in enumerate(labels):
        by_class.setdefault(label, []).append(i)
    for label, members in sorted(by_class.items()):
        if any(given):
            _cut_validation(places, members, texts, seed, needed="validation" not in given)
            if not any(places[i] == "train" for i in members):
                raise UsageError(f"{path}: class {label!r} has no row with split 'train'")
        else:
            _cut(places, members, texts, seed)
    return places


def _cut(places: list[str], members: Sequence[int], texts: Sequence[str], seed: int) -> None:
    order = sorted(members, key=lambda i: _rank(texts[i], seed))
    test = max(1, round(TEST_SHARE * len(order)))
    validation = max(1, round(VALIDATION_SHARE * len(order)))
    for place, i in enumerate(order):
        places[i] = "test" if place < test else "validation" if place < test + validation else "train"


def _cut_validation(places: list[str], members: Sequence[int], texts: Sequence[str], seed: int, needed: bool) -> None:
    training = sorted((i for i in members if places[i] == "train"), key=lambda i: _rank(texts[i], seed))
    if needed and len(training) > 1:
        for i in training[: max(1, round(VALIDATION_SHARE * len(training)))]:
            places[i] = "validation"


def _rank(text: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}\0{same_text(text)}".encode(), digest_size=8).digest()
