"""The flow `analyse` under a real Prefect server, and its verb's output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployments.cli.analyse import _show, _stream
from flows.analyse import analyse
from flows.index import index
from infra.errors import UsageError

pytestmark = pytest.mark.server


@pytest.mark.usefixtures("prefect_api")
def test_documents_are_analysed_and_shown(samples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index([str(samples / "quillmere-statements-2024.csv"), str(samples / "quillmere-call-notes.txt")], "c")
    result = analyse(collection="c", type="financial")
    assert (result["status"], result["type"], result["total"], result["failed"]) == ("completed", "financial", 2, 0)
    assert [Path(row["path"]).name for row in result["results"]] == [
        "quillmere-call-notes.txt",
        "quillmere-statements-2024.csv",
    ]
    assert analyse(collection="c", type="financial")["analysed"] == 0
    one = analyse(collection="c", type="financial", documents=["quillmere-statements-2024.csv"])
    capsys.readouterr()
    _show(one, one["results"])
    shown = capsys.readouterr().out
    assert "revenue" in shown
    assert "3,865,000,000" in shown
    _stream(
        result | {"results": None},
        {"collection": "c", "type": "financial", "model": None, "summary_model": None, "documents": None},
        True,
    )
    streamed = json.loads(capsys.readouterr().out)
    assert streamed["results"] == result["results"]
    for type_, column in (("sentiment", "passages +"), ("tables", "tables"), ("comprehensive", "key phrases")):
        found = analyse(collection="c", type=type_)
        for shown_ in (found["results"], found["results"][:1]):
            _show(found | {"successful": 30}, shown_)
            printed = capsys.readouterr().out
            assert "more documents: see them with --json" in printed
            assert (column in printed) or (type_ == "comprehensive" and "Key phrases" in printed)
    _show(result, [{"path": "/a.pdf", "error": "no text"}])
    assert "failed: /a.pdf: no text" in capsys.readouterr().out


@pytest.mark.usefixtures("prefect_api")
def test_bad_input_fails_at_once() -> None:
    with pytest.raises(UsageError, match="there is no collection nothing"):
        analyse(collection="nothing")
