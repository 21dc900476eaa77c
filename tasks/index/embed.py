"""Step 5: a vector for every chunk, encoding only what nobody has encoded before.

A chunk's vector is looked up by its hash: first among the vectors that the document already had, then in Redis (equal text in any collection
and on any worker), and equal chunks of one batch are encoded once. The rest goes to each encoder in one call, which sorts and packs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from infra.cache import Cache
from infra.cluster import check_stop
from infra.encoder import Encoder
from tasks.collection.chunks import Half
from tasks.records import Chunk

Key = tuple[str, str]  # fingerprint of the encoder, hash of the text


@dataclass(frozen=True, slots=True)
class Embedded:
    """Unit vectors, float16 [chunks, dimension], and how many of them had to be computed."""

    vectors: Half
    encoded: int


def embed(
    chunks: Sequence[Chunk],
    encoders: Sequence[Encoder],
    known: Mapping[Key, Half],
    cache: Cache | None = None,
    passed: Callable[[float, int], None] = check_stop,
) -> Embedded:
    """Return vectors of the chunks in their order.

    Args:
        encoders: of each chunk.
        known: vectors by encoder and chunk hash.
        cache: where equal texts of other documents may have theirs.
        passed: called after each forward pass with the share of the texts that are encoded (0 … 1) and their number.
    """
    if not chunks:
        return Embedded(np.empty((0, 0), np.float16), 0)
    keys = [(encoder.fingerprint, chunk.hash) for encoder, chunk in zip(encoders, chunks, strict=True)]
    vectors = {key: known[key] for key in keys if key in known}
    models = {encoder.fingerprint: encoder for encoder in encoders}
    if cache is not None:
        for model in models:
            missing = list(
                dict.fromkeys(text for made_by, text in keys if made_by == model and (model, text) not in vectors)
            )
            found = cache.get_many(_kind(model), missing)
            vectors |= {(model, text): np.frombuffer(value, np.float16) for text, value in found.items()}
    due = {key: chunk.embedded for key, chunk in zip(keys, chunks, strict=True) if key not in vectors}
    done = 0

    def count(encoded: int) -> None:
        nonlocal done
        done += encoded
        passed(done / len(due), done)

    for model, encoder in models.items():
        texts = {text: embedded for (made_by, text), embedded in due.items() if made_by == model}
        if not texts:
            continue
        fresh = dict(zip(texts, encoder.encode(list(texts.values()), count).astype(np.float16), strict=True))
        vectors |= {(model, text): vector for text, vector in fresh.items()}
        if cache is not None:
            cache.put_many(_kind(model), {text: vector.tobytes() for text, vector in fresh.items()})
    return Embedded(np.stack([vectors[key] for key in keys]), len(due))


def _kind(model: str) -> str:
    return f"vector:{model}"
