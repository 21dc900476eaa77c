"""What a Dask worker loads before its first batch."""

from __future__ import annotations

import pytest

from infra import encoder
from infra.errors import UsageError
from infra.preload import dask_setup


@pytest.mark.slow
def test_a_worker_begins_with_its_encoder_at_work_or_says_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALDONE_EMBEDDING_MODEL", "bundled")
    encoder._load.cache_clear()
    dask_setup(None)
    assert encoder._load.cache_info().currsize == 1
    monkeypatch.setenv("FALDONE_EMBEDDING_MODEL", "/no/such/model")
    with pytest.raises(UsageError, match="/no/such/model"):
        dask_setup(None)
