"""The systemd unit that keeps a platform running on a server: started at boot, and again when its daemon dies."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path

from deployments.state import LOST
from infra.settings import Settings

KEPT = {"FALDONE_LIMITS_FILE", "FALDONE_PREFECT_FILE", "PREFECT_UI_URL", "FALDONE_DASK", "FALDONE_BACKUPS"}

UNIT = """\
# Put this into /etc/systemd/system/faldone.service, then: systemctl daemon-reload && systemctl enable --now faldone
# Secrets (FALDONE_SMTP_URL …) belong into {folder}/.env, which only {user} should be able to read.
[Unit]
Description=Faldone: batch platform for documents
After=network-online.target
Wants=network-online.target
RequiresMountsFor={data}
[Service]
User={user}
WorkingDirectory={folder}
{environment}ExecStart={python} -m deployments.daemon --host {host} --port {port}
# A daemon that dies leaves server, workers and jobs running, and the next one takes them over. SIGTERM stops everything in order.
KillMode=process
Restart=on-failure
# … unless its data folder was removed: another daemon would make an empty one in its place.
RestartPreventExitStatus={lost}
RestartSec=5
TimeoutStopSec=180
UMask=0077

[Install]
WantedBy=multi-user.target
"""


def unit(settings: Settings, host: str, port: int) -> str:
    """Return the unit for this installation, user, working directory and data folder."""
    names = sorted({"FALDONE_HOME", *(name for name in os.environ if name in KEPT)})
    values = {name: settings.root if name == "FALDONE_HOME" else os.environ[name] for name in names}
    environment = "".join(f"Environment={_quoted(f'{name}={value}')}\n" for name, value in values.items())
    python = f"{Path(sys.prefix) / 'bin' / 'python'}"
    data = _quoted(str(settings.scratch))
    place = {"folder": Path.cwd(), "user": getpass.getuser(), "host": host, "port": port, "lost": LOST}
    return UNIT.format(data=data, environment=environment, python=python, **place)


def _quoted(text: str) -> str:
    """Quote a word as systemd reads it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
