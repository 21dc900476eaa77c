"""Template `analysis`: what each document says: summary, tone by section, key phrases, entities, classes, statistics.

The sentences are the document's own, each with its page; a summary that a model wrote is marked as such. Intake a
comprehensive, sentiment or classify analysis of the documents; without any it says so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from reportlab.platypus import Flowable
from reportlab.platypus.doctemplate import CondPageBreak

from tasks.export import style
from tasks.export.charts import ribbon
from tasks.export.layout import Heading, Prose, Space, bullets
from tasks.export.parts import finish, left_out, nothing, page_cell, source, source_line, title_of
from tasks.export.records import CHAPTERS, Analysed, Entry, Material
from tasks.export.report import Report
from tasks.export.table import Cell, Column, Row, Table
from tasks.export.text import clean, name, shorten
from tasks.export.words import Words
from tasks.readings import Entity, Passage, Reading, Sentiment

NAME = "analysis"
DESCRIPTION = "summary, tone by section, key phrases and entities, document by document"
INTAKE = CHAPTERS
TONES = {"positive": "good", "neutral": "muted", "negative": "poor"}
SIGNS = {"positive": 1.0, "neutral": 0.0, "negative": -1.0}

MOST_OF_A_KIND = 10  # entities of one kind in the report
RIBBON = 8  # passages from which their order says something

Story = list[Flowable]


def compose(material: Material, words: Words) -> Report:
    """Return the story of every analysed document, the failures of analyses at the end."""
    read = [one for one in material.analysed if one.reading or one.sentiment or one.classes]
    failed = [one for one in material.analysed if one.failures]
    story: Story = []
    if not read and not failed:
        story = nothing(words, "no_analyses" if material.entries else "none_indexed")
    names = Counter(title_of(one.entry) for one in read)
    for number, one in enumerate(read):
        title = title_of(one.entry)
        if number:
            story.append(CondPageBreak(style.HEIGHT * 0.45))
        story += _chapter(one, f"{title} · {clean(name(one.entry.path))}" if names[title] > 1 else title, words)
    if failed:
        story += failures(failed, words)
    return finish(words("analysis_title"), material, [*left_out(material, words), *story], words)


def _chapter(one: Analysed, title: str, words: Words) -> Story:
    entry = one.entry
    language = entry.language or (one.reading.language if one.reading else "")
    facts = [words.format.language(language)] if language else []
    facts += [f"{words('pages')}: {words.format.integer(entry.pages)}"] if entry.pages else []
    story: Story = [Heading(title), source_line(entry, words, " · ".join(facts))]
    if one.reading:
        story += _summary(one.reading, words)
    if one.sentiment:
        story += _sentiment(one.sentiment, entry, words)
    if one.classes:
        story += _classes(one, words)
    if one.reading:
        story += _phrases(one.reading, words)
        story += _entities(one.reading, entry, words)
        story += _statistics(one.reading, words)
    return story


def _summary(reading: Reading, words: Words) -> Story:
    sentences = [
        words("summary_page", text=sentence.text, page=str(sentence.page)) if sentence.page else sentence.text
        for sentence in reading.summary
    ]
    story: Story = [Heading(words("summary"), 2), *bullets(sentences)] if sentences else []
    if reading.generated:
        story += [
            Heading(words("generated_summary"), 3),
            Prose(reading.generated),
            Prose(words("generated_note"), style.SMALL, "muted"),
        ]
    return story


# -- tone -------------------------------------------------------------------------------------------------------------
def _sentiment(sentiment: Sentiment, entry: Entry, words: Words) -> Story:
    if sentiment.reason and not sentiment.total:
        return [Heading(words("sentiment"), 2), Prose(words("no_text_to_judge"))]
    story: Story = [Heading(words("sentiment"), 2), Prose(_tone_sentence(sentiment, words))]
    if sentiment.model:
        story.append(Prose(words("model_used", model=sentiment.model), style.SMALL, "muted"))
    if len(sentiment.passages) >= RIBBON and len(sentiment.passages) >= sentiment.total:  # not only the strongest
        story += _strip(sentiment.passages, words)
        story += _by_section(sentiment.passages, words)
    strongest = [passage for passage in sentiment.passages if SIGNS.get(passage.label, 0.0)]
    strongest = sorted(strongest, key=lambda passage: -passage.score)[:8]
    if strongest:
        columns = [
            Column(words("passage"), least=220),
            Column(words("tone"), least=58),
            Column(words("score"), "number"),
            Column(words("page"), "number"),
        ]
        rows = [
            Row(
                (
                    shorten(clean(one.text), 400),
                    tone_cell(one.label, words),
                    words.format.decimal(one.score),
                    page_cell(entry, one.page),
                )
            )
            for one in strongest
        ]
        story += [Heading(words("strongest"), 3), Table(columns, rows, most=5)]
    return story


def _tone_sentence(sentiment: Sentiment, words: Words) -> str:
    show = words.format
    values = {"label": tone_word(sentiment.label, words), "score": show.decimal(sentiment.score)}
    if not sentiment.total:
        return words("sentiment_alone", **values)
    tally = {label: show.integer(sentiment.count(label)) for label in SIGNS}
    return words("sentiment_sentence", **values, **tally, total=show.integer(sentiment.total))


def tone_word(label: str, words: Words) -> str:
    """Return a sentiment label in the report's language; another label as it is."""
    return words(label) if label in SIGNS else clean(label)


def tone_cell(label: str, words: Words) -> Cell:
    """Return a sentiment label with its mark."""
    mark = {"positive": "good", "negative": "poor"}.get(label, "")
    return Cell(tone_word(label, words), mark=mark, tone="" if mark else "muted")


def _strip(passages: Sequence[Passage], words: Words) -> Story:
    values = [(SIGNS.get(one.label, 0.0) * one.score, TONES.get(one.label, "muted")) for one in passages]
    pages = [one.page for one in passages if one.page > 0]
    ends = [words("first_page", page=str(page)) for page in (min(pages), max(pages))] if pages else ["", ""]
    legend = [(words(label), TONES[label]) for label in SIGNS]
    chart = ribbon(words("sentiment_chart"), values, style.WIDTH, (ends[0], ends[1]), legend)
    return [chart, Space(8)] if chart else []


def _by_section(passages: Sequence[Passage], words: Words) -> Story:
    groups: dict[str, list[Passage]] = defaultdict(list)
    for one in passages:
        groups[one.section or (words("first_page", page=str(one.page)) if one.page else "–")].append(one)
    columns = [
        Column(words("section"), least=150),
        Column(words("passages"), "number"),
        *(Column(words(label).capitalize(), "number") for label in SIGNS),
        Column(words("tone"), least=80),
    ]
    rows = []
    for section, members in groups.items():
        labels = [one.label for one in members]
        tally = {label: labels.count(label) for label in SIGNS}
        balance = (tally["positive"] - tally["negative"]) / len(members)
        label = "positive" if balance > 0.15 else "negative" if balance < -0.15 else "neutral"
        rows.append(
            Row(
                (
                    shorten(clean(section), 160),
                    words.format.integer(len(members)),
                    *(words.format.integer(tally[name]) for name in SIGNS),
                    tone_cell(label, words),
                )
            )
        )
    return [Heading(words("by_section"), 3), Table(columns, rows, most=2)] if len(rows) > 1 else []


# -- the rest ---------------------------------------------------------------------------------------------------------
def _classes(one: Analysed, words: Words) -> Story:
    classes = one.classes
    if classes is None:
        return []
    columns = [Column(words("label"), least=120), Column(words("probability"), least=110)]
    rows = [
        Row((label, Cell(words.format.percent(100 * score), bar=score)), strong=label == classes.label)
        for label, score in classes.scores[:10]
    ] or [Row((classes.label, "–"), strong=True)]
    story: Story = [Heading(words("classification"), 2), Table(columns, rows, most=2)]
    return story + ([Prose(words("model_used", model=classes.model), style.SMALL, "muted")] if classes.model else [])


def _phrases(reading: Reading, words: Words) -> Story:
    if not reading.phrases:
        return []
    heaviest = max((phrase.score for phrase in reading.phrases), default=0.0)
    if heaviest <= 0:
        return [Heading(words("key_phrases"), 2), Prose(" · ".join(clean(phrase.text) for phrase in reading.phrases))]
    columns = [Column(words("phrase"), least=110), Column(words("weight"), least=80)]
    pairs = [
        (phrase.text, Cell(words.format.decimal(phrase.score), bar=(phrase.score) / heaviest))
        for phrase in reading.phrases
    ]
    return [Heading(words("key_phrases"), 2), _in_two(columns, pairs)]


def _in_two(columns: Sequence[Column], pairs: Sequence[tuple[str | Cell, str | Cell]]) -> Table:
    """Return a narrow table set as two side by side, read down the left half first."""
    half = -(-len(pairs) // 2)
    left, right = pairs[:half], [*pairs[half:], *([("", "")] * (2 * half - len(pairs)))]
    rows = [Row((*one, *other)) for one, other in zip(left, right, strict=True)]
    return Table([*columns, *columns], rows, most=2)


def _entities(reading: Reading, entry: Entry, words: Words) -> Story:
    """Return the most frequent entities of each kind with what they are about; what is beyond them is counted."""
    columns = [
        Column(words("found"), least=95),
        Column(words("about"), least=150),
        Column(words("times"), "number"),
        Column(words("page"), "number"),
    ]
    rows: list[Row] = []
    for kind in sorted({entity.kind for entity in reading.entities}):
        members = sorted((one for one in reading.entities if one.kind == kind), key=lambda one: -one.count)
        rows.append(Row((words.kind(kind), "", "", ""), group=True))
        rows += [_entity_row(one, entry, words) for one in members[:MOST_OF_A_KIND]]
        if len(members) > MOST_OF_A_KIND:
            more = words("more_entities", count=words.format.integer(len(members) - MOST_OF_A_KIND))
            rows.append(Row((Cell(more, tone="muted"), "", "", "")))
    return [Heading(words("entities"), 2), Table(columns, rows, most=3)] if rows else []


def _entity_row(entity: Entity, entry: Entry, words: Words) -> Row:
    about = "" if entity.about == entity.text else shorten(clean(entity.about), 160)
    return Row((entity.text, about, words.format.integer(entity.count), page_cell(entry, entity.page)))


def _statistics(reading: Reading, words: Words) -> Story:
    if not reading.statistics:
        return []
    pairs = [(words.kind(key), _statistic(value, words)) for key, value in reading.statistics]
    columns = [Column(words("item"), least=110), Column(words("value"), "number")]
    return [Heading(words("statistics"), 2), _in_two(columns, pairs)]


def _statistic(value: float | str, words: Words) -> str:
    if isinstance(value, str):
        return value
    return words.format.decimal(value, 0 if float(value).is_integer() else 2)


def failures(failed: Sequence[Analysed], words: Words) -> Story:
    """Return the analyses that failed, with their errors."""
    columns = [Column(words("document"), least=120), Column(words("analysis")), Column(words("error"), least=180)]
    rows = [Row((source(one.entry), kind, error)) for one in failed for kind, error in one.failures]
    return [Heading(words("failed_analyses")), Table(columns, rows, most=5)]
