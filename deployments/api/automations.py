"""Prefect's automations, from `automations.yaml`: created or updated by name, never twice.

Each tells the platform's daemon by a webhook, and the daemon tells people: once for a lasting problem, and once when it is over, which an
automation by itself cannot do.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from infra.prefect_api import Api, NotFound

WEBHOOK = "faldone-alerts"
PREFIX = "faldone: "  # of the names of our automations: others are left alone


def load() -> list[dict[str, Any]]:
    """Return the automations of the file."""
    import yaml

    content = yaml.safe_load((Path(__file__).parents[1] / "automations.yaml").read_text())
    found: list[dict[str, Any]] = content["automations"]
    return [one | {"name": PREFIX + one["name"]} for one in found]


def bring_in(api: Api) -> None:
    """Bring the server's automations in line with the file; where there is no daemon, ours are removed."""
    there = {one["name"]: one for one in api.pages("/automations/filter", {})}
    url = os.environ.get("FALDONE_DAEMON_URL", "")
    wanted = {one["name"]: one for one in with_block(load(), webhook(api, url))} if url else {}
    for name, one in there.items():
        if name.startswith(PREFIX) and name not in wanted:
            api.ask("DELETE", f"/automations/{one['id']}")
    for name, body in wanted.items():
        if name in there:
            api.ask("PUT", f"/automations/{there[name]['id']}", body, again=True)
        else:
            api.ask("POST", "/automations/", body)


def with_block(automations: list[dict[str, Any]], block: str) -> list[dict[str, Any]]:
    """Return the automations with the id of the webhook's block in their actions."""
    given = {"block_document_id": block}
    return [
        one | {"actions": [action | (given if action["type"] == "call-webhook" else {}) for action in one["actions"]]}
        for one in automations
    ]


def webhook(api: Api, url: str) -> str:
    """Make or change the block that says where the daemon listens, and return its id."""
    kind = api.ask("GET", "/block_types/slug/webhook")["id"]
    headers = {"X-Faldone-Token": os.environ.get("FALDONE_DAEMON_TOKEN", "")}
    data = {"method": "POST", "url": f"{url}/alerts", "headers": headers}
    try:
        block = api.ask("GET", f"/block_types/slug/webhook/block_documents/name/{WEBHOOK}")
        api.ask("PATCH", f"/block_documents/{block['id']}", {"data": data}, again=True)
    except NotFound:
        schemas = api.ask("POST", "/block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [kind]}}})
        body = {"name": WEBHOOK, "data": data, "block_type_id": kind, "block_schema_id": schemas[0]["id"]}
        block = api.ask("POST", "/block_documents/", body)
    return str(block["id"])
