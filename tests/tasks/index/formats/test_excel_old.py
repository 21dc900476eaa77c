"""Workbooks of Excel 2 to 2003, and binary ones."""

from pathlib import Path

from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.read import read

SAMPLES = Path(__file__).parents[4] / "samples" / "documents"


def test_old_workbooks() -> None:
    [path] = SAMPLES.glob("*.xls")
    result = read(path, Context(path.name, Limits()))
    assert result.format == "xls"
    assert result.pages == 2
    assert any(len(e.rows or ()) > 5 for e in result.elements)
