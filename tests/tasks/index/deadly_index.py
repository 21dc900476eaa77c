"""Index batches as the Dask tests want them: slow, or killing their worker where a document's name says so."""

import os
import signal
import time
from collections.abc import Sequence
from typing import Any


def killing(batch: Sequence[Any], pipeline: Any) -> Any:
    """As tasks.index.batch.process, but a document called `killer…` ends the worker process."""
    if any("killer" in work.path for work in batch):
        os.kill(os.getpid(), signal.SIGKILL)
    return slow(batch, pipeline, 0.0)


def slow(batch: Sequence[Any], pipeline: Any, seconds: float = 0.2) -> Any:
    """As tasks.index.batch.process, `seconds` later; it tells how many parser children the worker has."""
    from infra.cluster import in_worker
    from tasks.index import batch as real
    from tasks.index.parse import parser_pool

    assert in_worker()
    time.sleep(seconds)
    receipt = real.process(batch, pipeline)
    assert len(parser_pool(pipeline.settings, workers=1)._lanes) == 1
    assert not parser_pool(pipeline.settings)._lanes
    return receipt
