"""The flow `index` under a real Prefect server: its form, its artifacts, its retries and its result."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from prefect import task
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey, FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import TaskRun
from prefect.exceptions import ParameterTypeError
from prefect.utilities.callables import parameter_schema

from flows import index as module
from flows import observe
from flows.index import index
from infra.errors import TransientError, UsageError
from infra.settings import Settings
from tasks.index import run as steps

pytestmark = pytest.mark.server

TEXT = "La società ha approvato il bilancio dell'esercizio. " * 3
COUNTS = [
    "found",
    "attachments",
    "indexed",
    "updated",
    "unchanged",
    "removed",
    "quarantined",
    "in_quarantine",
    "waiting",
]


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    for i in range(3):
        (folder / f"{i}.txt").write_text(f"{TEXT} {i}")
    (folder / "empty.pdf").write_bytes(b"")
    return folder


def artifacts(key: str) -> dict[str, Any]:
    """The newest artifact of each type."""

    async def read() -> dict[str, Any]:
        async with get_client() as client:
            found = await client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
            return {str(a.type): a for a in sorted(found, key=lambda a: str(a.updated))}

    return asyncio.run(read())


def task_runs(flow_run_id: Any) -> list[TaskRun]:
    async def read() -> list[TaskRun]:
        async with get_client() as client:
            wanted = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id]))
            return list(await client.read_task_runs(flow_run_filter=wanted))

    return asyncio.run(read())


def test_every_parameter_has_a_type_and_a_description_for_the_form() -> None:
    schema = parameter_schema(index).model_dump_for_openapi()
    assert list(schema["properties"]) == ["sources", "collection", "prune", "force", "prune_root", "reencode", "settle"]
    assert schema["required"] == ["sources"]
    for name, about in schema["properties"].items():
        assert len(about.get("description", "")) > 15, name
        assert {"type", "anyOf"} & about.keys(), name


@pytest.mark.usefixtures("prefect_api")
def test_parameters_are_validated_before_anything_runs() -> None:
    with pytest.raises(ParameterTypeError):
        index(["x"], collection="No Such Name")
    with pytest.raises(UsageError, match="name at least one source"):
        index([])


@pytest.mark.usefixtures("prefect_api")
def test_a_run_has_the_result_of_the_contract_and_shows_it_in_the_ui(papers: Path, settings: Settings) -> None:
    result = index(sources=[str(papers)])
    assert json.loads(json.dumps(result)) == result
    assert list(result["documents"]) == COUNTS
    assert result["documents"] | {"indexed": 3, "quarantined": 1, "found": 4} == result["documents"]
    assert (result["status"], result["collection"]) == ("completed_with_failures", "documents")
    assert set(result["failures"][0]) == {"path", "stage", "kind", "message"}
    shown = artifacts("index")
    assert shown["progress"].data == 100.0
    rows = json.loads(shown["table"].data)
    assert {row["what"]: row["count"] for row in rows[: len(COUNTS)]} == result["documents"]
    assert [row["path"] for row in rows if row["path"]] == [str(papers / "empty.pdf")]
    assert not list((settings.scratch / "staging").iterdir())


class Breaking:
    """The step `process` that fails a few times first."""

    def __init__(self, error: Exception, times: int) -> None:
        self.left, self.calls, self.error = times, 0, error

    def __call__(self, run: Any, plan: Any) -> Any:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise self.error
        return steps.process(run, plan)


def with_breaking(breaking: Breaking) -> Any:
    quick = observe.retry() | {"retry_delay_seconds": [0.01] * observe.RETRIES}
    return module.STEPS._replace(process=task(name="index documents", **quick)(breaking.__call__))


@pytest.mark.usefixtures("prefect_api")
def test_what_may_pass_is_tried_again_and_nothing_is_counted_twice(
    papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaking = Breaking(TransientError("the lake is away"), 2)
    monkeypatch.setattr(module, "STEPS", with_breaking(breaking))
    result = index(sources=[str(papers)])
    assert (breaking.calls, result["documents"]["indexed"]) == (3, 3)


@pytest.mark.usefixtures("prefect_api")
def test_what_will_not_pass_is_tried_once_and_leaves_nothing_behind(
    papers: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    breaking = Breaking(UsageError("a setting cannot be"), 9)
    monkeypatch.setattr(module, "STEPS", with_breaking(breaking))
    state = index(sources=[str(papers)], return_state=True)
    assert state.is_failed()
    assert breaking.calls == 1
    assert state.state_details.flow_run_id
    failed = [run for run in task_runs(state.state_details.flow_run_id) if run.name.startswith("index documents")]
    assert [run.state_name for run in failed] == ["Failed"]
    assert not list((settings.scratch / "staging").iterdir())


def test_the_waits_between_tries_grow_to_five_minutes() -> None:
    assert observe.retry()["retry_delay_seconds"] == [5, 10, 20, 40, 80, 160]
    assert observe.retry(8)["retry_delay_seconds"][-1] == 300
