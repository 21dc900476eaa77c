"""Send one message: by mail, by any channel that Apprise speaks, or as a call of a URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from infra import mail
from infra.errors import UsageError
from infra.settings import Settings


@dataclass(frozen=True, slots=True)
class Sent:
    """How many channels took the message, and of which sort: mail, push, call."""

    status: str
    channels: int
    by: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the object that the job returns."""
        return asdict(self) | {"by": list(self.by)}


def send(
    settings: Settings,
    subject: str,
    text: str = "",
    to: Sequence[str] = (),
    channels: Sequence[str] = (),
    url: str = "",
    payload: Mapping[str, Any] | None = None,
    reference: str = "",
) -> Sent:
    """Send a message to whom it names, or else to everybody whom the settings name.

    Args:
        to: mail addresses, sent to by the server of FALDONE_SMTP_URL.
        channels: Apprise URLs. They may hold secrets: FALDONE_ALERT_URLS is the better place.
        url: is sent `payload`, or subject and text, as JSON.
        reference: makes the Message-ID of mails; the same for each try.

    Raises:
        UsageError: nobody to send to, or somebody refuses. TransientError: somebody does not answer.
    """
    by, count = [], 0
    if to:
        if not mail.send(settings, subject, text, recipients=to, reference=reference):
            raise UsageError("FALDONE_SMTP_URL is not set: no mail can be sent")
        by.append("mail")
        count += len(to)
    if channels:
        count += mail.push(channels, subject, text)
        by.append("push")
    if url:
        mail.call(url, payload if payload is not None else {"subject": subject, "text": text})
        by.append("call")
        count += 1
    if not (to or channels or url):
        if not mail.configured(settings):
            raise UsageError(
                "nobody to send to: give to, channels or url, or set FALDONE_SMTP_URL or FALDONE_ALERT_URLS"
            )
        count = mail.notify(settings, subject, text)
        by.append("settings")
    return Sent("completed", count, tuple(by))
