"""What a Dask worker does before its first batch: `dask worker … --preload infra.preload`.

The encoder is loaded and has run once, so that no job waits for it, and a worker that cannot load it says so at its start. The functions'
names are Dask's (https://distributed.dask.org, custom initialisation).
"""

from __future__ import annotations

from typing import Any

from infra.settings import load


def dask_setup(worker: Any) -> None:
    """Load the encoders into this process and warm them.

    Raises:
        UsageError: one cannot be loaded, or a setting has a value that it cannot have.
    """
    from infra.encoders import load_encoders

    for encoder in load_encoders(load()).parts:
        encoder.warm()
