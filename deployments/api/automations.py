"""Prefect's automations, from `automations.yaml`: created or updated by name, never twice.

Each tells the keeper (deployments/keeper/) by a webhook, and the keeper tells people: once for a lasting problem, and once when it is over,
which an automation by itself cannot do.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from deployments.api.rest import Ask, NotFound, Talk

WEBHOOK = "faldone-alerts"
PREFIX = "faldone: "  # of the names of our automations: others are left alone


def load(path: Path | None = None) -> list[dict[str, Any]]:
    """The automations of the file."""
    import yaml

    content = yaml.safe_load((path or Path(__file__).parents[1] / "automations.yaml").read_text())
    found: list[dict[str, Any]] = content["automations"]
    return [one | {"name": PREFIX + one["name"]} for one in found]


def bring_in() -> Talk[None]:
    """Bring the server's automations in line with the file; where there is no keeper, ours are removed."""
    there = {one["name"]: one for one in (yield Ask("POST", "/automations/filter", {"limit": 200}))}
    address = os.environ.get("FALDONE_KEEPER_URL", "")
    block = (yield from webhook(address)) if address else ""
    wanted = {one["name"]: one for one in with_block(load(), block)} if address else {}
    for name, one in there.items():
        if name.startswith(PREFIX) and name not in wanted:
            yield Ask("DELETE", f"/automations/{one['id']}")
    for name, body in wanted.items():
        if name in there:
            yield Ask("PUT", f"/automations/{there[name]['id']}", body)
        else:
            yield Ask("POST", "/automations/", body)


def with_block(automations: list[dict[str, Any]], block: str) -> list[dict[str, Any]]:
    """The automations with the id of the webhook's block in their actions."""
    return [
        one | {"actions": [
            action | ({"block_document_id": block} if action["type"] == "call-webhook" else {})
            for action in one["actions"]
        ]}
        for one in automations
    ]  # fmt: skip


def webhook(address: str) -> Talk[str]:
    """The block that says where the keeper listens; its id."""
    kind = yield Ask("GET", "/block_types/slug/webhook")
    schemas = yield Ask("POST", "/block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [kind["id"]]}}})
    headers = {"X-Faldone-Token": os.environ.get("FALDONE_KEEPER_TOKEN", "")}
    data = {"method": "POST", "url": f"{address}/alerts", "headers": headers}
    try:
        block = yield Ask("GET", f"/block_types/slug/webhook/block_documents/name/{WEBHOOK}")
        yield Ask("PATCH", f"/block_documents/{block['id']}", {"data": data})
    except NotFound:
        block = yield Ask("POST", "/block_documents/", {
            "name": WEBHOOK, "data": data, "block_type_id": kind["id"], "block_schema_id": schemas[0]["id"],
        })  # fmt: skip
    return str(block["id"])
