"""The comprehensive reading, the registry of analyses, and a summary by a tiny model made in the test."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import json
import shutil
import typing
from pathlib import Path

import pytest
from papers import paper

import tasks.analyse as registry
from infra.errors import UsageError
from infra.generator import load_generator
from infra.settings import Settings
from tasks.analyse import REGISTRY, Context, comprehensive, get
from tasks.analyse.generate import generate_summary
from tasks.analyse.reading import Reading
from tasks.index.read import parse_file
from tasks.records import Document

FOLDER = Path(registry.__file__).parent
DOCS = FOLDER.parent.parent / "docs" / "analyses.md"
TEXT = "The company sold more instruments in the year because demand was strong in every region."


@pytest.fixture(scope="module")
def reading(request: pytest.FixtureRequest) -> dict[str, typing.Any]:
    path = FOLDER.parent.parent / "samples" / "documents" / "montescaro-bilancio-2024.pdf"
    from infra.settings import load

    settings = load()
    document = Document("d", "c", str(path), "h", parse_file(path, path.name, settings))
    return get("comprehensive").run(document, Context(settings))


def test_a_reading_has_every_part_and_is_json(reading: dict[str, typing.Any]) -> None:
    parts = {
        "document_id",
        "path",
        "language",
        "summary",
        "keyphrases",
        "entities",
        "sentiment",
        "financial",
        "statistics",
    }
    assert parts <= set(reading)
    assert reading["language"] == "it"
    assert 1 <= len(reading["summary"]) <= 5
    assert all(row["text"] and 1 <= row["page"] <= 7 for row in reading["summary"])
    assert {"kind": "vat_number", "value": "IT09999018881"}.items() <= next(
        row for row in reading["entities"] if row["kind"] == "vat_number"
    ).items()
    assert len(reading["sentiment"]["passages"]) <= 10
    assert len(reading["tables"]) >= 3
    assert "generated_summary" not in reading
    assert json.loads(json.dumps(reading, allow_nan=False)) == reading


def test_its_financial_part_is_that_of_the_financial_analysis(reading: dict[str, typing.Any]) -> None:
    known = json.loads((FOLDER.parent.parent / "samples" / "figures.json").read_text())[
        "documents/montescaro-bilancio-2024.pdf"
    ]
    found = {row["item"]: row["value"] for row in reading["financial"]["figures"] if row["period"] == "FY2024"}
    assert reading["financial"]["currency"] == known["currency"]
    assert {item: found.get(item) for item in ("revenue", "net_income", "inventory")} == {
        item: known["figures"]["FY2024"][item] for item in ("revenue", "net_income", "inventory")
    }


def test_a_document_without_figures_has_no_financial_part(settings: Settings) -> None:
    result = comprehensive.analyse(paper(TEXT), settings)
    assert result["financial"] is None
    assert [row["text"] for row in result["summary"]] == [TEXT]


def test_an_empty_document_is_read_without_an_error(settings: Settings) -> None:
    result = comprehensive.analyse(paper(), settings)
    assert (result["summary"], result["keyphrases"], result["entities"]) == ([], [], [])


# ---- a generated summary -------------------------------------------------------------------------------------------


@pytest.fixture
def tiny_model(tmp_path: Path) -> str:
    """A random encoder-decoder with a vocabulary of words, in the transformers layout."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    words = ["<pad>", "</s>", "<unk>", *sorted(set(TEXT.lower().replace(".", "").split()))]
    inner = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    inner.pre_tokenizer = Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(words),
        d_model=16,
        d_kv=8,
        d_ff=16,
        num_layers=1,
        num_heads=2,
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
        n_positions=64,
    )
    T5ForConditionalGeneration(config).save_pretrained(tmp_path / "tiny")
    tokenizer.save_pretrained(tmp_path / "tiny")
    return str(tmp_path / "tiny")


@pytest.mark.slow
def test_a_generated_summary_says_that_it_is_one(settings: Settings, tiny_model: str) -> None:
    document = paper(*[TEXT.replace("year", f"year {n}") for n in range(30)])
    part = comprehensive.analyse(document, settings, generator=tiny_model)["generated_summary"]
    assert part["generated"] is True
    assert "language model" in part["notice"]
    assert part["model"] == tiny_model
    assert part["text"]
    assert 0 < len(part["pages"]) < 30  # what did not fit the window was not read
    again = generate_summary(Reading(document, settings), settings, tiny_model)
    assert again["text"] == part["text"]


@pytest.mark.slow
def test_the_fingerprint_follows_the_models(settings: Settings, tiny_model: str) -> None:
    analysis = get("comprehensive")
    without = analysis.fingerprint(Context(settings))
    assert analysis.fingerprint(Context(settings)) == without
    assert analysis.fingerprint(Context(settings, generator=tiny_model)) != without


def test_a_model_that_does_not_generate_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no config"):
        (tmp_path / "empty").mkdir()
        load_generator(settings, str(tmp_path / "empty"))


# ---- the registry --------------------------------------------------------------------------------------------------


def test_every_analysis_is_registered_and_documented() -> None:
    modules = {path.stem for path in FOLDER.glob("*.py") if "NAME" in _names(path)}
    wrong = sorted(modules ^ set(REGISTRY))
    assert not wrong, f"AnalysisName in tasks/names.py and the files of tasks/analyse differ by {wrong}"
    text = DOCS.read_text(encoding="utf-8")
    given = {field.name for field in dataclasses.fields(Context)}
    for analysis in REGISTRY.values():
        module = importlib.import_module(analysis.module)
        assert analysis.name == module.NAME
        assert module.VERSION
        assert f"## {analysis.name}" in text, f"describe {analysis.name} in docs/analyses.md"
        wanted = set(inspect.signature(module.analyse).parameters) - {"document"}
        assert wanted <= given, f"{analysis.name} takes {sorted(wanted - given)}, which Context has not"


def _names(path: Path) -> set[str]:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return {
        target.id
        for node in body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def test_what_is_no_analysis_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match="choose among comprehensive"):
        get("nothing")


@pytest.mark.slow
def test_an_instruction_is_in_the_models_own_form_and_no_prompt_is_cut(settings: Settings, tiny_model: str) -> None:
    plain = load_generator(settings, tiny_model)
    assert plain.chat("Riassumi.") == "Riassumi."
    with pytest.raises(ValueError, match=rf"does not fit .*, which reads {plain.window}"):
        plain.generate("bilancio " * (plain.window + 1), 4)
    other = shutil.copytree(tiny_model, f"{tiny_model}-chat")
    about = json.loads((Path(other) / "tokenizer_config.json").read_text())
    about["chat_template"] = (
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<me>{% endif %}"
    )
    (Path(other) / "tokenizer_config.json").write_text(json.dumps(about))
    assert load_generator(settings, str(other)).chat("Riassumi.") == "<user>Riassumi.<me>"


@pytest.mark.slow
def test_a_model_that_only_encodes_cannot_generate(settings: Settings) -> None:
    from infra.models import model_folder

    with pytest.raises(UsageError, match="cannot generate text"):
        load_generator(settings, str(model_folder("bundled")))
