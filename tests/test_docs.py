"""The documents are true: every code block runs, every command parses, every link leads somewhere.

Each fenced block has a language, and the language says what is done with it: `python` runs; `console session` runs each
`$ faldone …` line and compares what it prints («…» stands for anything); `console` and `sh` are parsed by the command
line without being run; `text`, `json`, `ini`, `yaml` and `mermaid` are read by people alone.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from deployments.cli import app
from infra.machine import free_port

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")])
FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = {"python", "console session", "console", "sh", "text", "json", "ini", "yaml", "toml", "mermaid"}


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(str(page.relative_to(ROOT)), line, match.group(1).strip(), match.group(2)))
    return [block for block in found if not languages or block.language in languages]


def commands(text: str) -> Iterator[list[str]]:
    """The `faldone` commands of a block as lists of arguments, joined lines and `&&` taken apart, comments left out."""
    for line in text.replace("\\\n", " ").splitlines():
        for part in re.split(r"\s&&\s", line.removeprefix("$ ")):
            words = shlex.split(part, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                del words[0]
            if words and words[0].endswith("faldone"):
                end = next((i for i, word in enumerate(words) if word in {"|", ">", "2>", "&"}), len(words))
                yield words[1:end]


def test_every_block_has_a_language_that_says_what_is_done_with_it() -> None:
    assert [(str(block), block.language) for block in blocks() if block.language not in LANGUAGES] == []


def test_no_block_is_indented_only() -> None:
    """Such a block has no language, is not tried here, and a tool that folds prose joins its lines."""
    found = []
    for page in PAGES:
        text = FENCE.sub(lambda match: "\n" * match.group(0).count("\n"), page.read_text(encoding="utf-8"))
        for match in re.finditer(r"(?:^|\n)[ \t]*\n {4,}(?![ *\-\d])", text):
            found.append(f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, match.end()) + 1}")
    assert found == []


@pytest.mark.parametrize("block", blocks("console", "console session", "sh"), ids=str)
def test_every_command_is_one_that_the_command_line_takes(block: Block) -> None:
    for words in commands(block.text):
        context: click.Context | None = None
        command: click.Command = get_command(app)
        while True:
            # a group's own name resolution: the verb, then the verb below it, each with the options that it has
            context = command.make_context(words[0] if words else "faldone", list(words), parent=context)
            if not isinstance(command, click.Group):
                break
            _, below, words = command.resolve_command(context, [*context._protected_args, *context.args])
            assert below is not None, words
            command = below


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A working folder with the repository's samples in it, as a reader who has just cloned it has."""
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    return tmp_path


@pytest.mark.usefixtures("prefect_api", "example")
@pytest.mark.parametrize("block", blocks("console session"), ids=str)
def test_a_session_prints_what_the_document_says(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.settings import PREFECT_API_URL

    monkeypatch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("FALDONE_HOME")
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, _, shown = part.partition("\n")
        (words,) = commands(line)
        result = CliRunner().invoke(app, words)
        assert result.exit_code in {0, 3}, result.output
        for wanted in filter(str.strip, shown.splitlines()):
            pattern = ".*".join(re.escape(" ".join(piece.split())) for piece in wanted.split("…"))
            printed = [" ".join(row.split()) for row in result.stdout.splitlines()]
            assert any(re.fullmatch(r"\s*" + pattern + r"\s*", row) for row in printed), (
                f"{wanted!r} not in:\n{result.stdout}"
            )


def python(*names: str) -> list[Block]:
    """Python blocks, those of the job service apart from those that need no platform."""
    return [block for block in blocks("python") if ("deployments.jobs" in block.text) == ("jobs" in names)]


def run_block(block: Block, folders: dict[str, Path]) -> None:
    text = block.text
    for named, real in folders.items():
        text = text.replace(named, str(real))
    exec(compile(text, str(block), "exec"), {"__name__": "__main__"})


@pytest.fixture
def filled(example: Path, prefect_api: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example folder after an index, a financial analysis and the training of a classifier."""
    from prefect.settings import PREFECT_API_URL

    monkeypatch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))
    monkeypatch.delenv("FALDONE_HOME")
    reviews = [f"{label} text number {i},{label}" for label in ("good", "bad") for i in range(12)]
    (example / "reviews.csv").write_text("text,label\n" + "\n".join(reviews) + "\n")
    for line in (
        ["index", "samples/documents/quillmere-statements-2024.csv"],
        ["analyse", "--type", "financial"],
        ["train", "reviews.csv", "--name", "reviews"],
    ):
        result = CliRunner().invoke(app, line)
        assert result.exit_code == 0, result.output
    return example


@pytest.mark.timeout(300)
def test_the_python_examples_run(filled: Path) -> None:
    assert python()
    for block in python():
        run_block(block, {})


@pytest.mark.e2e
@pytest.mark.timeout(900)
def test_the_python_examples_of_the_job_service_run_against_a_platform(
    example: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deployments import platform

    monkeypatch.delenv("FALDONE_HOME")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    inbox = example / "inbox"
    inbox.mkdir()
    (inbox / "nota.txt").write_text("I debiti verso fornitori ammontano a 300 mila euro.", encoding="utf-8")
    assert python("jobs")
    platform.up(port=free_port())
    try:
        for block in python("jobs"):
            run_block(block, {"/data/inbox": inbox, "/data/bilanci": inbox})
    finally:
        platform.down()
