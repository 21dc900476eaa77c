"""Encoding against the bare limit: the same token stream through the same model in one process, sorted, packed, bfloat16.

    python benchmarks/encode.py FILE… [--chunks 400] [--rounds 3]

The chunks are those that the index makes of the files. The bare loop gets ready token ids and does nothing but pad, multiply, pool
and normalise; the product's figure has everything that `Encoder.encode` does, tokenising included. The two take turns.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import machine, median, table

from infra.encoder import TOKENS_PER_BATCH, Encoder, pack
from infra.encoders import load_encoders
from infra.models import best_dtype
from infra.settings import load
from tasks.index.chunk import chunk
from tasks.index.read import parse_file


def texts_of(files: list[Path], encoder: Encoder, most: int) -> list[str]:
    """Embedded texts of the files' chunks, evenly picked."""
    settings = load()
    every = []
    for file in files:
        pieces = chunk(parse_file(file, file.name, settings), str(file), encoder.count_tokens, encoder.max_tokens)
        every += [piece.embedded for piece in pieces]
    return every[:: max(1, len(every) // most)][:most]


class Bare:
    """The plain torch loop."""

    def __init__(self, encoder: Encoder, dtype: Any) -> None:
        import torch
        from transformers import AutoModel

        self._torch = torch
        self._model = AutoModel.from_pretrained(str(encoder.folder), local_files_only=True, dtype=dtype).eval()

    def __call__(self, ids: list[np.ndarray], budget: int = TOKENS_PER_BATCH) -> np.ndarray:
        torch = self._torch
        out = np.empty((len(ids), self._model.config.hidden_size), np.float32)
        with torch.inference_mode():
            for batch in pack(np.array([len(line) for line in ids]), budget):
                tokens = torch.zeros(len(batch), len(ids[batch[0]]), dtype=torch.int64)
                mask = torch.zeros_like(tokens)
                for row, index in enumerate(batch):
                    tokens[row, : len(ids[index])] = torch.from_numpy(ids[index])
                    mask[row, : len(ids[index])] = 1
                hidden = self._model(tokens, attention_mask=mask).last_hidden_state.float()
                pooled = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
                out[batch] = torch.nn.functional.normalize(pooled, dim=1).numpy()
        return out


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Seconds of the clock, of the processors, and the result."""
    began, cpu = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - began, time.process_time() - cpu, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--chunks", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    encoder = load_encoders(load()).first
    texts = texts_of(given.files, encoder, given.chunks)
    ids = [np.array(line.ids) for line in encoder.tokenizer.encode_batch(texts)]
    encoder.warm()
    bare = Bare(encoder, best_dtype("cpu"))
    bare(ids[:32]), encoder.encode(texts[:32])
    rounds = [(timed(lambda: bare(ids)), timed(lambda: encoder.encode(texts))) for _ in range(given.rounds)]
    report(rounds, sum(map(len, ids)), len(texts))


def report(rounds: list[Any], tokens: int, count: int) -> None:
    """Print tokens a second of both and their ratio."""
    print(machine())
    print(f"{count} chunks, {tokens:,} tokens, {best_dtype('cpu')}, {len(rounds)} rounds in turns")
    alike = float((rounds[0][0][2] * rounds[0][1][2]).sum(1).min())
    rows = []
    for name, which in (("bare loop", 0), ("Encoder.encode", 1)):
        clock, cpu = (median([one[which][part] for one in rounds]) for part in (0, 1))
        rows.append([name, f"{tokens / clock:,.0f}", f"{tokens / cpu:,.0f}"])
    table(["", "tokens/s", "tokens per processor second"], rows)
    by_clock, by_cpu = (median([one[0][part] / one[1][part] for one in rounds]) for part in (0, 1))
    print(
        f"ratio {by_clock:.2f} by the clock, {by_cpu:.2f} by processor time; least cosine between the two {alike:.4f}"
    )


if __name__ == "__main__":
    main()
