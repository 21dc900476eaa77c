"""An abstractive summary by a text-generation model: optional, and always marked as generated.

The model reads the sentences that weigh most, in reading order, as many as fit its window: a report of a hundred
pages fits none. What it writes is not checked against the document, and the result says so.
"""

from __future__ import annotations

from typing import Any

from infra.generator import Generator, load_generator
from infra.models import fingerprint, model_folder
from infra.settings import Settings
from tasks.analyse.reading import Reading
from tasks.analyse.summary import candidates, relevance
from tasks.readings import Sentence

TOKENS = 180  # of the summary
NOTICE = {
    "en": "Written by a language model; check it against the document.",
    "it": "Scritto da un modello linguistico; da verificare sul documento.",
}
INSTRUCTION = {
    "en": "Summarise the following business document in at most five sentences. Use only what it says.",
    "it": "Riassumi in non più di cinque frasi il seguente documento aziendale. Usa solo ciò che vi è scritto.",
}
MARGIN = 96  # tokens left for the instruction, the chat form and special tokens


def generate_summary(reading: Reading, settings: Settings, model: str) -> dict[str, Any]:
    """Return the generated summary with its model, the notice that it is generated, and the pages that the model read.

    Raises:
        UsageError: the model is not there or cannot generate text.
    """
    generator = load_generator(settings, model)
    language = reading.document.parsed.language if reading.document.parsed.language in NOTICE else "en"
    chosen = _fitting(reading, generator)
    text = generator.generate(_prompt(generator, chosen, language), _answer(generator)) if chosen else ""
    return {
        "text": text,
        "generated": True,
        "model": model,
        "notice": NOTICE[language],
        "pages": sorted({sentence.page for sentence in chosen}),
    }


def generator_fingerprint(model: str | None) -> str:
    """Return what a generated summary depends on; "" without a model.

    Raises:
        UsageError: the model is not there.
    """
    return fingerprint(model_folder(model)) if model else ""


def _answer(generator: Generator) -> int:
    return min(TOKENS, generator.window // 4)


def _fitting(reading: Reading, generator: Generator) -> list[Sentence]:
    """Return the weightiest sentences that fit the window, in reading order."""
    sentences = reading.sentences
    usable = candidates(sentences)
    if not usable:
        return []
    vectors = reading.vectors[usable]
    title = reading.document.parsed.title
    weights = relevance([sentences[index] for index in usable], vectors, len(sentences), usable, title)
    room = generator.window - _answer(generator) - min(MARGIN, generator.window // 4)
    kept = []
    for place in weights.argsort()[::-1]:
        room -= generator.count_tokens(sentences[usable[int(place)]].text) + 1
        if room < 0:
            break
        kept.append(usable[int(place)])
    return [sentences[index] for index in sorted(kept)]


def _prompt(generator: Generator, sentences: list[Sentence], language: str) -> str:
    text = " ".join(sentence.text for sentence in sentences)
    if generator.seq2seq:
        return f"summarize: {text}"  # T5's own prefix; models without prefixes read it as a word
    return generator.chat(f"{INSTRUCTION[language]}\n\n{text}\n\n")
