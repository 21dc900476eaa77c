"""Watches a platform: looks at it every minute, takes the events of Prefect's automations, and alerts people."""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deployments.daemon import alerts, metrics
from deployments.daemon.alerts import AlertStore
from deployments.daemon.metrics import Totals
from deployments.daemon.overview import Overview
from infra.errors import FaldoneError, TransientError
from infra.limits import PlatformLimits
from infra.prefect_api import Api
from infra.settings import Settings

log = logging.getLogger("faldone.daemon")


class Watch:
    """What is known of a platform, and the alerts about it; each look and each event stands for itself."""

    def __init__(
        self,
        api: Api,
        limits: PlatformLimits,
        settings: Settings,
        folder: Path,
        ui: str,
        environment: Mapping[str, str],
    ) -> None:
        self.api, self.limits, self.folder, self.environment = api, limits, folder, environment
        self.seen, self.totals = Overview(), Totals(folder / "totals.json")
        self.away = bool(self.totals.until)  # whether runs may have ended while no daemon took events
        self.store = AlertStore(folder / "alerts.json", settings, ui)
        self.events: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()  # None: a look was taken
        self.thread = threading.Thread(target=self._take_events, name="events", daemon=True)
        self.thread.start()

    def look(self) -> None:
        """See how things are, and alert people; one look that fails keeps none of the others from being taken."""
        pools, thresholds = list(self.limits.pools), self.limits.alerts
        steps: list[Callable[[], None]] = [
            lambda: self.store.match("disk", alerts.disk(self.folder, thresholds)),
            lambda: self.seen.look(self.api, pools),
            lambda: self.store.match("age", alerts.ages(self.seen.age, thresholds)),
            lambda: self.store.match("stale", self._stale()),
            lambda: self.store.match("pool", self._pools()),
            lambda: self._count(pools),
            lambda: self.seen.count_collections(self.environment, thresholds.statistics),
            lambda: self.store.match("quarantine", self._quarantine()),
        ]
        for step in steps:
            safely(step)
        self.events.put(None)

    def _count(self, pools: list[str]) -> None:
        """Add up what has ended. Prefect's automations call once: of what ended while no daemon was there, each deployment's last end counts."""
        if self.away and not self.seen.deployments:
            return  # nobody knows yet whose ends these are, and they are given once
        ended = self.totals.update(self.api, pools)
        names = {one["id"]: one["name"] for one in self.seen.deployments}
        last = {names.get(run["deployment_id"]): run for run in ended if run["state"]["type"] != "CANCELLED"}
        for name, run in last.items() if self.away else ():
            if name:
                alerts.on_run(self.store, run, run["state"]["name"], name)
        self.away = False

    def _stale(self) -> list[alerts.Problem]:
        seen = self.seen
        return alerts.stale(seen.deployments, seen.last_success, self.limits.alerts, seen.now)

    def _pools(self) -> list[alerts.Problem]:
        """Return what events told and still holds: a worker may have come while no daemon heard of it."""
        without = {f"pool:{one['id']}" for one in self.api.pages("/work_pools/filter", {}) if one["status"] != "READY"}
        return [one for key, one in self.store.open.items() if key in without]

    def _quarantine(self) -> list[alerts.Problem]:
        now = time.time()
        counts = {one["collection"]: one["quarantined"] for one in self.seen.collections}
        history = alerts.remember(self.folder / "quarantine.json", counts, now)
        return alerts.quarantine(history, self.limits.alerts, now)

    def _take_events(self) -> None:
        """Take events, and tell people; here, because a mail server that hangs must not keep the daemon from its jobs."""
        unanswered: list[
            bytes
        ] = []  # events that came while the server did not answer; each is tried again after a look
        while True:
            body = self.events.get()
            for one in [body] if body is not None else unanswered[:]:
                safely(lambda one=one: self._take(one, unanswered))  # type: ignore[misc]
            if self.events.empty():
                safely(self.store.tell)

    def _take(self, body: bytes, unanswered: list[bytes]) -> None:
        try:
            content = json.loads(body)
            event, resource = str(content["event"]), str(content["resource"])
        except (ValueError, KeyError, TypeError) as error:
            log.warning("an event that makes no sense: %s: %s", error, body[:200])
            return
        try:
            alerts.on_event(self.store, self.api, event, resource)
        except TransientError:
            if body not in unanswered:
                unanswered.append(body)
            raise
        if body in unanswered:
            unanswered.remove(body)

    def metrics(self, cache: tuple[int, int] | None) -> bytes:
        """Return the metrics in Prometheus' text format; `cache` are Redis' hits and misses."""
        return metrics.text(self.seen, self.totals, cache, len(self.store.open))

    def state(self) -> dict[str, Any]:
        """Return whether it works, for the health endpoint."""
        return {"takes_events": self.thread.is_alive()}


def safely(step: Callable[[], object]) -> None:
    """Take a step that must not end the daemon when it fails: the server may be starting again, the disk full."""
    try:
        step()
    except (FaldoneError, OSError) as error:
        log.warning("%s", error)
    except Exception:
        log.exception("the daemon goes on after this")
