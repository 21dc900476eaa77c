"""Documents in the lake: what was parsed comes back as it was, also out of a table of an older release."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.lake import Lake
from tasks.collection.elements import ELEMENTS, parsed_by_id, parsed_row
from tasks.records import Element, Parsed

PARSED = Parsed(
    format="pdf",
    title="Conto economico",
    language="it",
    pages=2,
    elements=(
        Element("title", "Conto economico", level=1, boxes=((1, 20, 31, 50, 180),)),
        Element("text", "without a place", gist="place"),
        Element(
            "table",
            "A | 1\nB",
            rows=(("A", "1"), ("B", "")),
            boxes=((1, 40, 51, 50, 60, 70, 80), (-2, 40, 51, 1, 2, 0, 0)),
        ),
    ),
    metadata={"author": "Filanda"},
    warnings=("page 3: unread",),
)


@pytest.mark.parametrize("older", [False, True])
def test_what_was_parsed_comes_back(tmp_path: Path, older: bool) -> None:
    lake = Lake(str(tmp_path))
    if older:  # a table that was written before places and gists were known
        ELEMENTS.write(lake, "bilanci", ELEMENTS.rows([parsed_row("old", "", PARSED)]).drop_columns(["boxes", "gists"]))
    ELEMENTS.ensure(lake, "bilanci")
    ELEMENTS.write(lake, "bilanci", ELEMENTS.rows([parsed_row("new", "", PARSED)]))
    found = parsed_by_id(lake, "bilanci", ["old", "new"])
    assert found["new"] == PARSED
    assert not older or [(e.boxes, e.gist) for e in found["old"].elements] == [(None, None)] * 3
