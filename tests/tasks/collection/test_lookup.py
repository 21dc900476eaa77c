"""One rule for a document's name, whoever asks: what is exact, what is ambiguous, what is a folder."""

from __future__ import annotations

import unicodedata

import pytest

from infra.errors import UsageError
from tasks.collection.lookup import Row, choose, named, one

PATHS = (
    "/a/report.txt",
    "/b/report.txt",
    "/b/2019/Società.pdf",
    "/b/mail.eml",
    "/b/mail.eml!/report.txt",
    "/c/.hidden",
    "s3://x/y.pdf",
)
ROWS: list[Row] = [{"document_id": f"{n:032x}", "path": path} for n, path in enumerate(PATHS)]


def paths(name: str) -> list[str]:
    return [row["path"] for row in named(ROWS, name, "c")]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (f"{2:032x}", "/b/2019/Società.pdf"),
        ("/a/report.txt", "/a/report.txt"),
        ("a/report.txt", "/a/report.txt"),
        ("./a/report.txt", "/a/report.txt"),
        (".hidden", "/c/.hidden"),
        (unicodedata.normalize("NFD", "Società.pdf"), "/b/2019/Società.pdf"),
        ("s3://x/y.pdf", "s3://x/y.pdf"),
        ("mail.eml!/report.txt", "/b/mail.eml!/report.txt"),
    ],
)
def test_a_name_that_fits_one_document_finds_it(name: str, path: str) -> None:
    assert paths(name) == [path]
    assert one(ROWS, name, "c")["path"] == path


def test_an_ambiguous_name_is_refused_with_its_candidates() -> None:
    with pytest.raises(UsageError, match=r"fits 3 documents.*/a/report.txt, /b/report.txt, /b/mail.eml!/report.txt"):
        named(ROWS, "report.txt", "c")


@pytest.mark.parametrize("name", ["hidden", "port.txt", "/report.txt.", "nowhere.pdf", "/z/", ""])
def test_a_part_of_a_name_is_no_name(name: str) -> None:
    with pytest.raises(UsageError, match="has no document"):
        named(ROWS, name, "c")


def test_a_closing_slash_means_all_below_a_folder() -> None:
    assert paths("/b/2019/") == ["/b/2019/Società.pdf"]
    assert len(paths("/b/")) == 4
    with pytest.raises(UsageError, match="fits 4 documents"):
        one(ROWS, "/b/", "c")


def test_documents_named_twice_are_chosen_once() -> None:
    assert len(choose(ROWS, ["/a/report.txt", "a/report.txt", "/a/"], "c")) == 1
