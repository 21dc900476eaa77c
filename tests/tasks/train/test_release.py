from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from infra import multilingual
from infra.encoder import Encoder
from infra.errors import UsageError
from infra.models import best_device
from infra.settings import Settings
from tasks.classifiers import registry
from tasks.classifiers.predict import BUILT_IN, SENTIMENT, SENTIMENT_ENGLISH, Classifier, load_classifier
from tasks.classifiers.registry import ModelVersion
from tasks.classifiers.spec import Promotion, TrainSpec
from tasks.train import fitting, release, work_folder
from tasks.train.table import read_texts, write_predictions

from .conftest import sentences, write_csv

pytestmark = pytest.mark.slow


def _train(settings: Settings, spec: TrainSpec) -> tuple[ModelVersion, Promotion]:
    prepared = work_folder.prepare(settings, spec)
    parts = work_folder.split(spec, prepared)
    fitted = fitting.fit(settings, spec, prepared)
    metrics = fitting.evaluate(settings, prepared)
    new = release.register(settings, spec, prepared, parts, fitted, metrics)
    promotion = release.promote(settings, spec, prepared, new)
    work_folder.finish(prepared)
    return registry.get(settings, f"{spec.name}@{new.version}"), promotion


@pytest.fixture
def spec(data: str, tiny_base: str) -> TrainSpec:
    return TrainSpec(data, "tiny", "head", tiny_base)


@pytest.mark.parametrize("mode", ["head", "full"])
def test_a_version_is_complete_and_holds_no_pickle(settings: Settings, spec: TrainSpec, mode: str) -> None:
    new, promotion = _train(settings, replace(spec, mode=mode, epochs=1))  # type: ignore[arg-type]
    assert promotion.promoted and new.current
    names = {p.name for p in new.path.iterdir()}
    assert {"classifier.json", "metrics.json", "training.json", "README.md", "curves.svg", "seen.safetensors"} <= names
    assert {p.suffix for p in new.path.iterdir()} <= {".json", ".safetensors", ".md", ".svg", ".txt"}
    training = json.loads((new.path / "training.json").read_text())
    assert training["data"]["data_hash"] and training["environment"]["torch"] and training["spec"]["seed"] == 0
    metrics = json.loads((new.path / "metrics.json").read_text())
    assert sum(map(sum, metrics["confusion"])) == metrics["summary"]["texts"] == training["splits"]["test"]
    assert ElementTree.fromstring((new.path / "curves.svg").read_text()).tag.endswith("svg")
    assert "| good |" in (new.path / "README.md").read_text()
    assert not list((settings.scratch / "training").iterdir())


def test_the_best_mode_is_registered_and_the_others_stand_in_the_card(
    settings: Settings, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, _ = _train(settings, replace(spec, mode="auto", epochs=1))
    card = (new.path / "README.md").read_text()
    judged = {
        line.split("|")[1].strip(): float(line.split("|")[2]) for line in card.splitlines() if "validation_f1_" in line
    }
    assert judged.keys() == {"validation_f1_linear", "validation_f1_head", "validation_f1_full"}
    chosen = json.loads((new.path / "training.json").read_text())["fitted"]["mode"]
    assert judged[f"validation_f1_{chosen}"] == max(judged.values())
    assert new.kind == ("full" if chosen == "full" else "head")
    assert load_classifier(settings, "tiny").predict(["profit rose"])[0].label in {"bad", "good", "plain"}
    monkeypatch.setattr(fitting, "MOST_ON_PROCESSOR", 1)
    if not torch_has_a_card():
        less, _ = _train(settings, replace(spec, name="less", mode="auto", epochs=1))
        assert "| full | not tried: " in (less.path / "README.md").read_text()


def torch_has_a_card() -> bool:
    return best_device("auto") != "cpu"


def test_words_alone_need_no_encoder(settings: Settings, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Encoder, "encode", None)
    _train(settings, replace(spec, mode="linear"))
    assert load_classifier(settings, "tiny").scores(["a good year", ""]).shape == (2, 3)


def test_predictions_are_those_of_the_evaluation(settings: Settings, spec: TrainSpec) -> None:
    new, _ = _train(settings, spec)
    classifier = load_classifier(settings, "tiny")
    assert (classifier.name, classifier.version, classifier.labels) == ("tiny", new.version, ("bad", "good", "plain"))
    texts = [t for t, _ in sentences(40, seed=9)]
    forward, backward = classifier.predict(texts), classifier.predict(texts[::-1])[::-1]
    for one, two in zip(forward, backward, strict=True):
        assert one.scores == pytest.approx(two.scores, abs=2e-3)
        assert sum(one.scores.values()) == pytest.approx(1, abs=1e-4)
        assert one.score == max(one.scores.values())
    assert classifier.predict([]) == []


def test_long_and_empty_texts_are_judged_not_refused(settings: Settings, spec: TrainSpec) -> None:
    for mode in ("head", "full"):
        _train(settings, replace(spec, name=mode, mode=mode, epochs=1))  # type: ignore[arg-type]
        assert len(load_classifier(settings, mode).predict(["profit rose " * 500, ""])) == 2


def test_a_worse_version_does_not_take_over(settings: Settings, spec: TrainSpec, tmp_path: Path) -> None:
    good, _ = _train(settings, replace(spec, mode="full", epochs=3, batch_size=8, learning_rate=3e-3))
    worse, promotion = _train(settings, replace(spec, mode="full", epochs=1, batch_size=180, learning_rate=1e-7))
    assert not promotion.promoted
    assert promotion.current_f1 is not None and promotion.current_f1 > promotion.new_f1
    assert load_classifier(settings, "tiny").version == good.version
    assert registry.promote(settings, "tiny", worse.version).current
    assert load_classifier(settings, "tiny").version == worse.version
    better, promotion = _train(settings, replace(spec, mode="full", epochs=4, batch_size=8, learning_rate=3e-3))
    assert promotion.promoted and better.current


def test_texts_that_the_current_version_was_trained_on_do_not_judge(settings: Settings, spec: TrainSpec) -> None:
    first, _ = _train(settings, spec)
    _, promotion = _train(settings, replace(spec, seed=1))
    assert 0 < promotion.texts < first.metrics["texts"]


def test_the_same_training_twice_is_one_version(settings: Settings, spec: TrainSpec) -> None:
    first, _ = _train(settings, spec)
    again, promotion = _train(settings, spec)
    assert again.version == first.version and promotion.promoted
    assert len(registry.versions(settings, "tiny")) == 1


def test_remove(settings: Settings, spec: TrainSpec) -> None:
    first, _ = _train(settings, spec)
    second, _ = _train(settings, replace(spec, seed=1))
    current = registry.get(settings, "tiny").version
    other = ({first.version, second.version} - {current}).pop()
    with pytest.raises(UsageError, match="is the current version"):
        registry.remove(settings, f"tiny@{current}")
    assert registry.remove(settings, f"tiny@{other}") == [other]
    assert registry.remove(settings, "tiny") == [current]
    assert registry.versions(settings) == []
    with pytest.raises(UsageError, match="no registered model 'tiny'"):
        registry.remove(settings, "tiny")


def test_a_half_copied_version_does_not_count(settings: Settings, spec: TrainSpec) -> None:
    new, _ = _train(settings, spec)
    (new.path.parent / ".2020-01-01-00000000.part").mkdir()
    assert [m.version for m in registry.versions(settings)] == [new.version]


@pytest.mark.parametrize("name", ["tiny@2020-01-01-00000000", "unknown", "../tiny", "no/such-model-here"])
def test_unknown_models_are_told_in_one_line(
    settings: Settings, spec: TrainSpec, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    _train(settings, spec)
    with pytest.raises(UsageError) as error:
        load_classifier(settings, name)
    assert "\n" not in str(error.value)


def test_a_head_over_another_encoder_is_refused(settings: Settings, spec: TrainSpec) -> None:
    new, _ = _train(settings, spec)
    about = json.loads((new.path / "classifier.json").read_text())
    (new.path / "classifier.json").write_text(json.dumps(about | {"fingerprint": "0" * 16}))
    with pytest.raises(UsageError, match="another encoder"):
        load_classifier(settings, "tiny")


def test_a_transformers_folder_is_a_classifier_too(settings: Settings, tiny_base: str, tmp_path: Path) -> None:
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig.from_pretrained(tiny_base, id2label={0: "down", 1: "up"}, label2id={"down": 0, "up": 1})
    BertForSequenceClassification(config).save_pretrained(str(tmp_path / "hub"))
    (tmp_path / "hub" / "tokenizer.json").write_bytes((Path(tiny_base) / "tokenizer.json").read_bytes())
    classifier = load_classifier(settings, str(tmp_path / "hub"))
    assert classifier.labels == ("down", "up")
    assert len(classifier.predict(["profit rose", "sales fell in march " * 40])) == 2
    with pytest.raises(UsageError, match="is not a text classifier"):
        load_classifier(settings, tiny_base)


def test_a_model_folder_can_be_moved(settings: Settings, spec: TrainSpec, tmp_path: Path) -> None:
    new, _ = _train(settings, replace(spec, mode="full", epochs=1))
    new.path.rename(tmp_path / "elsewhere")
    assert load_classifier(settings, str(tmp_path / "elsewhere")).version == new.version


@pytest.fixture(scope="module")
def built_in(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return load_classifier(Settings(home=str(tmp_path_factory.mktemp("home"))), "default-sentiment")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Net profit rose sharply and the dividend was increased.", "positive"),
        ("The company reported heavy losses and cut 300 jobs.", "negative"),
        ("The registered office is in Verona.", "neutral"),
        ("Il fatturato è cresciuto e il margine migliora.", "positive"),
        ("Le perdite aumentano e le vendite crollano.", "negative"),
    ],
)
def test_the_built_in_sentiment(built_in: Classifier, text: str, label: str) -> None:
    assert built_in.predict([text])[0].label == label


def test_the_built_in_sentiment_without_the_wheel_of_its_encoder(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(multilingual, "PACKAGE", "no_such_wheel")
    judge = load_classifier(settings, "default-sentiment")
    assert judge.name == "default-sentiment-english"
    assert judge.predict(["Net profit rose sharply and the dividend was increased."])[0].label == "positive"


@pytest.mark.parametrize("name", [SENTIMENT, SENTIMENT_ENGLISH])
def test_the_built_in_models_are_small_and_have_cards(name: str) -> None:
    folder = BUILT_IN / name
    assert sum(p.stat().st_size for p in folder.iterdir()) < 1_000_000
    assert "held-out texts" in (folder / "README.md").read_text()


def test_texts_from_and_predictions_to_files(tmp_path: Path, built_in: Classifier) -> None:
    path = write_csv(tmp_path / "in.csv", [("Profit rose.", "1"), ("Profit fell.", "2")], ("text", "id"))
    (tmp_path / "in.txt").write_text("Profit rose.\n\nProfit fell.\n")
    texts = read_texts(path, "text")
    assert texts == read_texts(str(tmp_path / "in.txt"), "text") == ["Profit rose.", "Profit fell."]
    found = built_in.predict(texts)
    for name in ("out.csv", "out.jsonl", "out.parquet"):
        write_predictions(str(tmp_path / "deep" / name), texts, found)
        assert read_texts(str(tmp_path / "deep" / name), "label") == [p.label for p in found]
    with pytest.raises(UsageError, match=r"written as \.csv"):
        write_predictions(str(tmp_path / "out.xml"), texts, found)
