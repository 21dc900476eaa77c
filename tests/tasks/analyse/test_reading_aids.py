"""Summary, key phrases and statistics on real sample documents."""

from __future__ import annotations

from pathlib import Path

import pytest
from papers import paper

from infra.settings import Settings
from tasks.analyse.keyphrases import keyphrases
from tasks.analyse.reading import Reading
from tasks.analyse.statistics import ENOUGH_WORDS, flesch, gulpease, statistics, syllables
from tasks.analyse.summary import summarise
from tasks.index.read import parse_file
from tasks.records import Document

RESULTS = "Net sales increased 6.8% to $3,865 million in 2024, reflecting strong demand for spectrometers."
CAUTION = "This report contains forward-looking statements: sales and revenue could materially differ from them."


def reading_of(path: Path, settings: Settings) -> Reading:
    return Reading(Document("d", "c", str(path), "h", parse_file(path, path.name, settings)), settings)


@pytest.fixture
def report(samples: Path, settings: Settings) -> Reading:
    return reading_of(samples / "quillmere-annual-report-2024.pdf", settings)


def test_a_summary_is_five_sentences_of_the_document_in_its_order(report: Reading) -> None:
    chosen = summarise(report.sentences, report.vectors, report.document.parsed.title)
    places = [report.sentences.index(sentence) for sentence in chosen]
    assert len(chosen) == 5
    assert places == sorted(places)
    assert any("Net sales increased" in sentence.text for sentence in chosen)
    assert all(1 <= sentence.page <= report.document.parsed.pages for sentence in chosen)


def test_caution_and_repetition_do_not_enter_a_summary(settings: Settings) -> None:
    others = [
        "We sell instruments in sixty countries through distributors and our own people.",
        "Operating income fell to $310 million because freight and energy cost more.",
        "The board approved a dividend of $1.20 a share for the year that has ended.",
        "In June the company acquired a maker of laboratory software for $90 million.",
    ]
    twice = RESULTS.replace("strong", "very strong")
    reading = Reading(paper(CAUTION, RESULTS, twice, *others), settings)
    chosen = {sentence.text for sentence in summarise(reading.sentences, reading.vectors)}
    assert CAUTION not in chosen
    assert len(chosen & {RESULTS, twice}) == 1
    assert set(others) <= chosen


def test_a_document_without_prose_has_an_empty_summary(settings: Settings) -> None:
    reading = Reading(paper("12 | 14 | 16", "Totale"), settings)
    assert summarise(reading.sentences, reading.vectors) == []
    nothing = Reading(paper(), settings)
    assert nothing.vectors.shape[0] == 0
    assert summarise(nothing.sentences, nothing.vectors) == []
    assert keyphrases(nothing.sentences, nothing.vectors, nothing.encoder, "it") == []


MINUTES = """L'assemblea approva il bilancio. Viene nominato il collegio sindacale per tre anni.
Il presidente del collegio sindacale legge la relazione. Si autorizza
l'acquisto di azioni proprie fino al cinque per cento.
L'acquisto di azioni proprie sarà fatto in borsa. L'azionista chiede chiarimenti sulle rimanenze di filati tecnici."""


def test_key_phrases_of_italian_minutes(settings: Settings) -> None:
    reading = Reading(paper(MINUTES, language="it"), settings)
    found = {p.text.lower(): p for p in keyphrases(reading.sentences, reading.vectors, reading.encoder, "it")}
    assert {"acquisto di azioni proprie", "collegio sindacale"} <= set(found)
    assert found["collegio sindacale"].count == 2
    assert len(found) <= 15
    assert not any(phrase.split()[0] in {"il", "di", "e"} or phrase.endswith(" di") for phrase in found)


def test_names_are_kept_whole_and_nothing_is_said_twice(settings: Settings) -> None:
    text = "Frantoio Del Poggio buys olive oil. Frantoio Del Poggio sells olive oil and olive oil boxes to every shop."
    reading = Reading(paper(text), settings)
    phrases = [p.text for p in keyphrases(reading.sentences, reading.vectors, reading.encoder, "en")]
    assert "Frantoio Del Poggio" in phrases
    assert "Poggio" not in phrases
    assert len({phrase.lower() for phrase in phrases}) == len(phrases)


def test_gulpease_by_hand() -> None:
    # 10 words of 5 letters in 2 sentences: 89 + (300 * 2 - 10 * 50) / 10 = 99
    assert gulpease(["dieci"] * 10, 2) == pytest.approx(99)
    assert gulpease(["incontrovertibilmente"] * 30, 1) == 0


def test_flesch_by_hand() -> None:
    # 10 words of one syllable in 1 sentence: 206.835 - 1.015 * 10 - 84.6 = 112.085, shown as 100
    assert flesch(["cat"] * 10, 1) == 100
    # 20 words of two syllables in 1 sentence: 206.835 - 20.3 - 169.2 = 17.335
    assert flesch(["paper"] * 20, 1) == pytest.approx(17.335)


@pytest.mark.parametrize(
    ("word", "count"), [("cat", 1), ("sale", 1), ("table", 2), ("company", 3), ("increased", 2), ("needed", 2)]
)
def test_syllables(word: str, count: int) -> None:
    assert syllables(word) == count


def test_counts_and_the_index_of_the_language(report: Reading, settings: Settings) -> None:
    counted = statistics(report.document.parsed, report.sentences)
    assert (counted["pages"], counted["sentences"]) == (7, len(report.sentences))
    assert counted["tables"] == sum(e.kind == "table" for e in report.document.parsed.elements) > 0
    assert 20 < counted["readability_flesch"] < 80
    short = Reading(paper("La società ha approvato il bilancio.", language="it"), settings)
    assert "readability_gulpease" not in statistics(short.document.parsed, short.sentences)
    long = Reading(paper(*["La società ha approvato il bilancio."] * ENOUGH_WORDS, language="it"), settings)
    assert "words" in statistics(long.document.parsed, long.sentences)
