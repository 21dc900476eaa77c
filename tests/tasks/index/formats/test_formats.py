"""The registry: every module has its line, its documentation and its format told by detection; duplicates raise."""

import importlib
from pathlib import Path

import pytest

from infra.errors import DocumentError, FailureKind
from tasks.index import formats
from tasks.index.formats import FORMATS, MODULES, parser, table_of_formats

FOLDER = Path(formats.__file__).parent
MANUAL = Path(__file__).parents[4] / "docs" / "formats.md"


def test_every_module_with_a_parser_is_registered() -> None:
    found = {path.stem for path in FOLDER.glob("*.py") if "\ndef parse(" in path.read_text()}
    missing = sorted(found - {module for module, _ in MODULES})
    assert not missing, f"add to MODULES in {FOLDER / '__init__.py'}: {', '.join(missing)}"


@pytest.mark.parametrize(("module", "names"), MODULES)
def test_registry_and_module_agree(module: str, names: tuple[str, ...]) -> None:
    loaded = importlib.import_module(f"tasks.index.formats.{module}")
    assert names == loaded.NAMES
    assert callable(parser(names[0]))


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_is_documented(name: str) -> None:
    assert f"`{name}`" in MANUAL.read_text(), f"add a row for `{name}` to docs/formats.md"


def test_duplicates_raise() -> None:
    with pytest.raises(ValueError, match="format txt is claimed by text and by other"):
        table_of_formats((*MODULES, ("other", ("txt",))))


def test_an_unknown_format_is_unsupported() -> None:
    with pytest.raises(DocumentError) as caught:
        parser("dwg")
    assert caught.value.kind == FailureKind.UNSUPPORTED
