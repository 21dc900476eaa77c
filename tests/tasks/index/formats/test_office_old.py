"""Word and PowerPoint files before 2007."""

import pytest

from infra.errors import DocumentError, FailureKind
from infra.settings import Limits
from tasks.index.formats import office_old
from tasks.index.formats.base import Context


def test_old_office_files_need_libreoffice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office_old, "detect", lambda *_: "doc")
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(DocumentError) as caught:
        office_old.parse(b"x", Context("x.doc", Limits()))
    assert caught.value.kind == FailureKind.MISSING_PROGRAM
    assert "LibreOffice" in caught.value.message
