"""The flow `notify`: one message, tried again by the job service until it went out."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from infra.settings import load
from tasks.notify import send


@flow(name="notify", flow_run_name="notify-{subject}", validate_parameters=True)
def notify(
    subject: Annotated[str, Field(min_length=1, max_length=300, description="The message's first line.")],
    text: Annotated[str, Field(max_length=200_000, description="The message.")] = "",
    to: Annotated[list[str], Field(max_length=50, description="Mail addresses.")] = [],  # noqa: B006 - Prefect copies it
    channels: Annotated[list[str], Field(max_length=50, description="Apprise URLs.")] = [],  # noqa: B006
    url: Annotated[str, Field(description="A URL that is sent the message as JSON.")] = "",
    payload: Annotated[dict[str, Any] | None, Field(description="What the URL is sent instead.")] = None,
) -> dict[str, Any]:
    """Send a message by mail, by any channel that Apprise speaks, or to a URL; to everybody in the settings when it names nobody.

    It is sent at least once: when one of several receivers does not answer, all of them hear it again with the next try.

    Args:
        subject: The message's first line.
        text: The message.
        to: Mail addresses; FALDONE_SMTP_URL names the server.
        channels: Apprise URLs; they are kept with the job, so secrets belong into FALDONE_ALERT_URLS.
        url: A URL that is sent the message as JSON.
        payload: What the URL is sent instead of subject and text.
    """
    reference = str(flow_run.id or "")
    return send(load(), subject, text, to, channels, url, payload, reference).as_json()
