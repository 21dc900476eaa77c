"""Step 5: a vector for every chunk, encoding only what nobody has encoded before.

A chunk's vector is looked up by its hash: first among the vectors that the document already had, then in Redis (equal text in any collection
and on any worker), and equal chunks of one batch are encoded once. The rest goes to the encoder in one call, which sorts and packs it.
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


@dataclass(frozen=True, slots=True)
class Embedded:
    """Unit vectors, float16 [chunks, dimension], and how many of them had to be computed."""

    vectors: Half
    encoded: int


def embed(
    chunks: Sequence[Chunk],
    encoder: Encoder,
    known: Mapping[str, Half],
    cache: Cache | None = None,
    passed: Callable[[float, int], None] = check_stop,
) -> Embedded:
    """Return vectors of the chunks in their order.

    Args:
        known: vectors by chunk hash, made by this same encoder.
        cache: where equal texts of other documents may have theirs.
        passed: called after each forward pass with the share of the texts that are encoded (0 … 1) and their number.
    """
    if not chunks:
        return Embedded(np.empty((0, encoder.dimension), np.float16), 0)
    hashes = [chunk.hash for chunk in chunks]
    vectors = {h: known[h] for h in hashes if h in known}
    kind = f"vector:{encoder.fingerprint}"
    if cache is not None:
        missing = [h for h in dict.fromkeys(hashes) if h not in vectors]
        vectors |= {h: np.frombuffer(v, np.float16) for h, v in cache.get_many(kind, missing).items()}
    texts = {h: chunk.embedded for h, chunk in zip(hashes, chunks, strict=True) if h not in vectors}
    if texts:
        done = 0

        def count(encoded: int) -> None:
            nonlocal done
            done += encoded
            passed(done / len(texts), done)

        made = encoder.encode(list(texts.values()), count).astype(np.float16)
        fresh = dict(zip(texts, made, strict=True))
        vectors |= fresh
        if cache is not None:
            cache.put_many(kind, {h: v.tobytes() for h, v in fresh.items()})
    return Embedded(np.stack([vectors[h] for h in hashes]), len(texts))
