"""Text in whatever encoding it comes."""

import pytest

from tasks.index.decode import decode, is_text

ITALIAN = "Perché la società è così? L’utile è di 1.234 €, la «perdita» no. Città, però, più."


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "cp1252", "mac_roman"]
)
def test_italian_in_many_encodings(encoding: str) -> None:
    assert decode(ITALIAN.encode(encoding)) == ITALIAN


def test_old_dos_text() -> None:
    assert decode("La società è così, perché no".encode("cp850")) == "La società è così, perché no"


def test_markup_names_its_own_encoding() -> None:
    page = '<meta charset="iso-8859-2"><p>Łódź'
    assert decode(page.encode("iso-8859-2"), declared=True) == page


def test_a_wrong_declaration_is_not_believed() -> None:
    page = '<meta charset="ascii"><p>Perché è così'
    assert decode(page.encode("utf-8").replace(b'"ascii"', b'"utf-16"'), declared=True).endswith("Perché è così")


def test_windows_pages_that_python_does_not_name() -> None:
    assert decode('<meta charset="windows-950">中文'.encode("cp950"), declared=True).endswith("中文")


def test_line_ends_become_one() -> None:
    assert decode(b"a\r\nb\rc\n") == "a\nb\nc\n"


def test_noise_is_no_text() -> None:
    assert not is_text(bytes(range(256)) * 10)
    assert is_text(ITALIAN.encode("cp1252"))
    assert is_text(ITALIAN.encode("utf-16"))
