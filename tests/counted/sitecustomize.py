"""Count what runs in fenced children, which get no variable of coverage, may not write its data and end by SIGKILL.

`conftest.py` puts this folder on their path, and only while coverage runs. The data are saved before each message to the
parent; the folder of the data is the one hole in the fence, made here by a rule more and not in the product.
"""

import atexit
import socket
from pathlib import Path

import coverage

ROOT = Path(__file__).parents[2]


def count() -> None:
    """Start coverage, save it early and often, and let the fence through to its data."""
    config = coverage.Coverage(config_file=ROOT / "pyproject.toml").config
    data = ROOT / config.data_file
    counter = coverage.Coverage(config_file=ROOT / "pyproject.toml", data_file=data, data_suffix=True)
    counter.start()
    atexit.register(counter.save)

    from infra import landlock

    restrict, send = landlock.restrict, socket.socket.sendall

    def restrict_but_data(rules):
        restrict([*rules, (str(data.parent), landlock.WRITE)])

    def save_and_send(self, *arguments):
        counter.save()
        return send(self, *arguments)

    landlock.restrict, socket.socket.sendall = restrict_but_data, save_and_send


if coverage.Coverage.current() is None:
    count()
