"""What is mended in Prefect's server."""

from __future__ import annotations

import asyncio
import gc

import pytest
from docket.dependencies import current_execution
from fastapi import FastAPI
from prefect.server.api import clients, server
from prefect.settings import Settings
from prefect.utilities.schema_tools import validation

from deployments.api.server import _turn, check_schemas_once, keep_what_exists, make_the_application_once


def test_automations_find_the_application_without_reading_all_settings_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "create_app", server.create_app)  # given back after the test
    make_the_application_once(server)
    app = server.create_app()

    def read_again(settings: Settings) -> str:
        raise AssertionError("the settings were hashed again")

    monkeypatch.setattr(Settings, "hash_key", read_again)
    assert clients.OrchestrationClient()._http_client._transport.app is app
    with pytest.raises(AssertionError, match="hashed again"):
        server.create_app(ephemeral=True)


def test_a_right_schema_is_checked_once_and_values_and_wrong_schemas_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []
    check = validation._VALIDATOR.check_schema

    def counted(schema: object, **rest: object) -> None:
        checked.append(schema)
        check(schema, **rest)

    monkeypatch.setattr(validation._VALIDATOR, "check_schema", staticmethod(counted))
    check_schemas_once(validation._VALIDATOR)
    schema = {"properties": {"pages": {"type": "integer"}}, "required": ["pages"]}
    for _ in range(3):
        validation.validate({"pages": 3}, schema, raise_on_error=True)
    assert len(checked) == 1
    with pytest.raises(validation.ValidationError, match="pages"):
        validation.validate({"pages": "three"}, schema, raise_on_error=True)
    for _ in range(2):
        with pytest.raises(ValueError, match="Invalid schema"):
            validation.is_valid_schema({"type": "whatever"})


def test_what_exists_when_the_server_answers_is_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    app = FastAPI()
    monkeypatch.setattr(server, "create_app", lambda: app)
    keep_what_exists(server)

    async def answer() -> int:
        for created in (server.create_app(), server.create_app()):
            assert created is app
        async with app.router.lifespan_context(app):
            return gc.get_freeze_count()

    before = gc.get_freeze_count()
    try:
        assert asyncio.run(answer()) > before
    finally:
        gc.unfreeze()


def test_background_tasks_have_one_place_in_the_queue_of_writers() -> None:
    order = []

    async def write(name: str) -> None:
        async with _turn():
            order.append(name)
            await asyncio.sleep(0)

    async def in_background(name: str) -> None:
        current_execution.set(name)  # type: ignore[arg-type]
        await write(name)

    async def writers() -> None:
        tasks = [asyncio.create_task(in_background(f"late {number}")) for number in range(5)]
        tasks.append(asyncio.create_task(write("request")))
        await asyncio.gather(*tasks)

    asyncio.run(writers())
    assert order[0] == "late 0"
    assert order[1] == "request"
    assert sorted(order[2:]) == [f"late {number}" for number in range(1, 5)]
