"""Words and letter n-grams of a text, weighted by TF-IDF: what a sentence encoder forgets.

A vector of 384 numbers says what a sentence is about, and blurs «rose» and «fell», a misspelling, an Italian ending.
The n-grams keep them. Term weights follow Salton & Buckley 1988 with (1 + ln tf)·(1 + ln((1 + n)/(1 + df))), each
block at unit length. The vocabulary is plain JSON and the weights safetensors, so nothing is ever unpickled.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

WORD = re.compile(r"\w+")
MOST_WORDS = 20_000  # features of each block: a head over all of them stays below 1 MB a class
MOST_PIECES = 30_000
LETTERS = (2, 3, 4, 5)  # lengths of letter n-grams inside a word with its borders


@dataclass(frozen=True, slots=True)
class Rows:
    """A sparse matrix by rows: row i has `values[starts[i]:starts[i + 1]]` in columns `columns[…]`."""

    starts: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]
    width: int

    @property
    def height(self) -> int:
        return len(self.starts) - 1

    def take(self, rows: npt.NDArray[np.int64]) -> Rows:
        sizes = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        where = np.repeat(self.starts[rows] - starts[:-1], sizes) + np.arange(starts[-1])
        return Rows(starts, self.columns[where], self.values[where], self.width)

    def transposed(self) -> Rows:
        order = np.argsort(self.columns, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(self.columns, minlength=self.width))])
        owner = np.repeat(np.arange(self.height), np.diff(self.starts))
        return Rows(starts, owner[order], self.values[order], self.height)

    def times(self, weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the product with a dense [width, k] matrix: float32 [height, k]."""
        out = np.zeros((self.height, weights.shape[1]), np.float32)
        for start in range(0, self.height, 256):  # blocks, so that the gathered rows stay in the cache
            end = min(start + 256, self.height)
            low, high = self.starts[start], self.starts[end]
            if high == low:
                continue
            terms = weights[self.columns[low:high]] * self.values[low:high, None]
            full = np.flatnonzero(np.diff(self.starts[start : end + 1]))  # reduceat would misread an empty row
            out[start + full] = np.add.reduceat(terms, self.starts[start + full] - low, axis=0)
        return out


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The features of a head: `index` from n-gram to column, words before letter pieces; `idf` float32 [features]."""

    index: dict[str, int]
    idf: npt.NDArray[np.float32]
    letters: bool

    @property
    def size(self) -> int:
        return len(self.index)

    def rows(self, texts: Sequence[str]) -> Rows:
        """Return the TF-IDF rows of texts; n-grams that training never saw are passed over."""
        columns: list[int] = []
        values: list[float] = []
        starts = [0]
        for text in texts:
            for grams in self._blocks(text):
                self._add(grams, columns, values)
            starts.append(len(columns))
        return Rows(
            np.array(starts, np.int64), np.array(columns, np.int64), np.array(values, np.float32), max(1, self.size)
        )

    def _blocks(self, text: str) -> Iterator[Iterator[str]]:
        yield word_grams(text)
        if self.letters:
            yield letter_grams(text)

    def _add(self, grams: Iterator[str], columns: list[int], values: list[float]) -> None:
        counts = Counter(column for gram in grams if (column := self.index.get(gram)) is not None)
        weights = {column: (1 + np.log(n)) * float(self.idf[column]) for column, n in counts.items()}
        length = float(np.sqrt(sum(w * w for w in weights.values()))) or 1.0
        columns.extend(weights)
        values.extend(w / length for w in weights.values())


def learn(texts: Sequence[str], letters: bool) -> Vocabulary:
    """Return the vocabulary of texts: n-grams that at least two of them have, the commonest first where there are too many."""
    words: Counter[str] = Counter()
    pieces: Counter[str] = Counter()
    for text in texts:
        words.update(set(word_grams(text)))
        if letters:
            pieces.update(set(letter_grams(text)))
    kept = _commonest(words, MOST_WORDS) + _commonest(pieces, MOST_PIECES)
    frequency = np.array([n for _, n in kept], np.float64)
    idf = (1 + np.log((1 + len(texts)) / (1 + frequency))).astype(np.float32)
    return Vocabulary({gram: column for column, (gram, _) in enumerate(kept)}, idf, letters)


def word_grams(text: str) -> Iterator[str]:
    """Yield words and pairs of neighbouring words, in lower case."""
    words = WORD.findall(text.lower())
    yield from words
    for first, second in pairwise(words):
        yield f"{first} {second}"


def letter_grams(text: str) -> Iterator[str]:
    """Yield runs of 2 to 5 letters of each word with a border mark at both ends; the mark keeps them apart from words."""
    for word in WORD.findall(text.lower()):
        marked = f"_{word}_"
        for size in LETTERS:
            for start in range(max(1, len(marked) - size + 1)):
                yield "\u00b7" + marked[start : start + size]


def _commonest(counts: Counter[str], most: int) -> list[tuple[str, int]]:
    often = [(gram, n) for gram, n in counts.items() if n > 1]
    return sorted(often, key=lambda pair: (-pair[1], pair[0]))[:most]
