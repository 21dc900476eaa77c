"""A base model small enough to fine-tune in a second: a two-layer BERT with random weights and its own words."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from infra.settings import Settings

GOOD = ["rose", "grew", "improved", "won", "record", "profit"]
BAD = ["fell", "shrank", "worsened", "lost", "fine", "loss"]
PLAIN = ["meeting", "office", "report", "address", "board", "date"]
FILL = ["the", "company", "said", "that", "in", "march", "its", "sales", "unit", "today"]


def sentences(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Distinct sentences whose label follows from one word of them."""
    draw = random.Random(seed)
    rows: dict[str, str] = {}
    while len(rows) < count:
        label, words = draw.choice([("good", GOOD), ("bad", BAD), ("plain", PLAIN)])
        text = " ".join([*draw.choices(FILL, k=draw.randint(3, 14)), draw.choice(words), *draw.choices(FILL, k=3)])
        rows.setdefault(text, label)
    return list(rows.items())


def write_csv(path: Path, rows: list[tuple[str, str]], head: tuple[str, str] = ("text", "label")) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])
    return str(path)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=str(tmp_path / "home"), device="cpu")


@pytest.fixture
def data(tmp_path: Path) -> str:
    return write_csv(tmp_path / "data.csv", sentences(180))


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> str:
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("tiny")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *GOOD, *BAD, *PLAIN, *FILL]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=96,
        max_position_embeddings=24,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(str(folder))
    return str(folder)
