"""The flow `evaluate` under Prefect: nothing to ask is a run that ends well, a collection without questions is an error."""

from __future__ import annotations

import pytest

from flows.evaluate import evaluate
from infra.errors import UsageError

pytestmark = pytest.mark.server


@pytest.mark.usefixtures("prefect_api", "lake")
def test_without_stored_questions_there_is_nothing_to_do_and_a_named_collection_is_an_error() -> None:
    assert evaluate() == {"status": "completed", "runs": []}
    with pytest.raises(UsageError, match="has no stored questions"):
        evaluate("nowhere")
