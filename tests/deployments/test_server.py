"""What is mended in Prefect's server."""

from __future__ import annotations

import pytest
from prefect.server.api import clients, server
from prefect.settings import Settings

from deployments.server import make_the_application_once


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
