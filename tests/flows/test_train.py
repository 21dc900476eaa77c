"""The flow `train` under a real Prefect server."""

from __future__ import annotations

import asyncio
import csv
import inspect
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from flows.train import train
from infra.errors import UsageError
from infra.settings import load
from tasks.classifiers import registry

pytestmark = pytest.mark.server

WORDS = {"up": ["rose", "grew", "improved"], "down": ["fell", "shrank", "worsened"]}
THINGS = ["sales", "orders", "margins", "exports", "profits", "volumes", "prices", "bookings"]


@pytest.fixture
def data(tmp_path: Path) -> str:
    rows = [(f"{thing} {word}", label) for label, words in WORDS.items() for word in words for thing in THINGS]
    with (tmp_path / "data.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return str(tmp_path / "data.csv")


def _artifacts(key: str) -> list[Any]:
    async def read() -> list[Any]:
        async with get_client() as client:
            wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
            return list(await client.read_artifacts(artifact_filter=wanted))

    return asyncio.run(read())


@pytest.mark.usefixtures("prefect_api")
def test_a_model_is_trained_registered_and_shown(data: str) -> None:
    result = train(data, "trend")
    assert result["status"] == "completed"
    assert result["promoted"] is True
    assert result["metrics"]["f1_macro"] > 0.5
    assert {"epoch", "loss", "validation_f1_macro"} <= set(result["epochs"][0])
    new = registry.get(load(), "trend")
    assert (new.version, str(new.path)) == (result["version"], result["path"])
    assert _artifacts("train")[-1].type == "progress"
    assert "macro" in _artifacts("train-epochs")[-1].data
    assert _artifacts("train-curves")[-1].data.startswith("data:image/svg+xml;base64,")


@pytest.mark.usefixtures("prefect_api")
def test_a_bad_file_fails_the_flow_without_a_retry(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("text,label\na,x\n,y\n")
    with pytest.raises(UsageError, match="row 2, column 'text' is empty"):
        train(str(tmp_path / "bad.csv"), "trend")
    assert registry.versions(load()) == []


def test_every_parameter_is_described_and_bounded() -> None:
    properties = train.parameters.properties
    assert list(properties)[:5] == ["data", "name", "mode", "base", "epochs"]
    assert set(properties) == set(inspect.signature(train.fn).parameters)
    assert all(one.get("description") for one in properties.values())
    assert properties["mode"]["enum"] == ["auto", "linear", "head", "full"]
