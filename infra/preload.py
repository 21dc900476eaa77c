"""What a Dask worker does before its first batch: `dask worker … --preload infra.preload`.

The encoder is loaded and has run once, so that no job waits for it, and a worker that cannot load it says so at its start. The functions'
names are Dask's (https://distributed.dask.org, custom initialisation).
"""

from __future__ import annotations

from typing import Any

from infra.settings import load


def dask_setup(worker: Any) -> None:
    """Load the encoder into this process and warm it.

    Raises:
        UsageError: it cannot be loaded, or a setting has a value that it cannot have.
    """
    from infra.encoder import load_encoder

    load_encoder(load()).warm()
