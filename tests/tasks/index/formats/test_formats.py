"""The registry and its readers. Each test names a step of the recipe in CONTRIBUTING.md that was forgotten."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from containers import ole2, zipped
from infra.errors import DocumentError, FailureKind
from tasks.index import detect, formats
from tasks.index.formats import MODULES, check_claims, parser, readers

FOLDER = Path(formats.__file__).parent
MANUAL = Path(__file__).parents[4] / "docs" / "formats.md"
NAMES = [(reader.module, name) for reader in readers() for name in reader.names]


def made(sample: object) -> bytes:
    """The file of a reader's sample: its bytes, its parts as a ZIP, or its streams as an OLE2 container."""
    if isinstance(sample, dict):
        return zipped(sample)
    if isinstance(sample, tuple):
        return ole2(dict.fromkeys(sample, b"x"))
    assert isinstance(sample, bytes)
    return sample


def test_every_reader_is_in_the_registry() -> None:
    found = {path.stem for path in FOLDER.glob("*.py") if "\ndef parse(" in path.read_text()}
    missing = sorted(found - set(MODULES))
    assert not missing, f"add to MODULES in {FOLDER / '__init__.py'}, in its place: {', '.join(missing)}"


def test_a_reader_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("tasks.index.formats.text.VERSION")
    monkeypatch.delattr("tasks.index.formats.text.SAMPLES")
    readers.cache_clear()
    with pytest.raises(ValueError, match=r"text\.py lacks VERSION, SAMPLES: see formats/base\.py"):
        readers()
    monkeypatch.undo()
    readers.cache_clear()
    assert readers()


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_every_format_is_detected(module: str, name: str) -> None:
    samples = importlib.import_module(f"tasks.index.formats.{module}").SAMPLES
    assert name in samples, f"add the least that is known as {name} to SAMPLES in {FOLDER / module}.py"
    found = detect.detect(made(samples[name]), "sample")
    assert found == name, (
        f"the sample of {name} is taken for {found}: give {FOLDER / module}.py a signature or a `sniff` that knows it, "
        f"and a place in MODULES before the reader of {found}"
    )


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_every_format_is_documented(module: str, name: str) -> None:
    assert f"`{name}`" in MANUAL.read_text(), f"add a row for `{name}` (formats/{module}.py) to docs/formats.md"


@pytest.mark.parametrize("module", MODULES)
def test_every_reader_is_tested(module: str) -> None:
    tests = Path(__file__).parent / f"test_{module}.py"
    assert tests.exists(), f"test the reader with small files that the test makes: {tests}"
    assert "\ndef test_" in tests.read_text(), f"{tests} has no test"


def test_readers_import_their_libraries_only_when_they_read() -> None:
    """A text file must not pay for ten libraries: asking all readers loads nothing outside the standard library."""
    code = "\n".join(
        [
            "import sys",
            "before = set(sys.modules)",
            "import tasks.index.read",
            "from tasks.index.detect import detect",
            "assert detect(b'plain words', 'x') == 'txt'",
            "ours = {'tasks', 'infra', '__main__', 'sitecustomize'}",
            "new = {n: getattr(m, '__file__', '') or '' for n, m in sys.modules.items() if n not in before}",
            "told = {n.partition('.')[0] for n, file in new.items() if 'site-packages' in file}",
            "print(*sorted(told - ours))",
        ]
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [], f"import these inside the functions of the readers: {done.stdout}"


def test_one_format_has_one_reader() -> None:
    with pytest.raises(ValueError, match="format txt is claimed by text and by other"):
        check_claims([("text", ("txt",)), ("other", ("txt",))])


def test_an_unknown_format_is_unsupported() -> None:
    with pytest.raises(DocumentError) as caught:
        parser("dwg")
    assert caught.value.kind == FailureKind.UNSUPPORTED
