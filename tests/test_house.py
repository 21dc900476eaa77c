"""The documentation is true: the tree that the README prints, the settings it lists, an example for every verb."""

from __future__ import annotations

import re
from pathlib import Path

import typer
from typer.main import get_command

from deployments.cli import app
from infra.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_name_of_the_printed_tree_is_there_and_no_folder_is_left_out() -> None:
    tree = README.split("```text\ndeployments/", 1)[1].split("```")[0]
    lines = ("deployments/" + tree).splitlines()
    parent = ""
    for line in lines:
        name = line.split()[0]
        parent = name if not line.startswith(" ") else parent
        path = ROOT / name if not line.startswith(" ") else ROOT / parent / name
        assert path.exists(), line
    for part in ("flows", "tasks"):
        named = {line.split()[0].rstrip("/") for line in lines}
        folders = {p.name for p in (ROOT / part).iterdir() if p.is_dir() and not p.name.startswith("_")}
        assert folders <= named


def test_every_flow_is_named() -> None:
    line = next(line for line in README.splitlines() if line.startswith("flows/"))
    flows = {p.stem for p in (ROOT / "flows").glob("*.py") if re.search(r"^@flow", p.read_text(), re.M)}
    assert flows <= set(line.split(":")[1].split())


def test_every_setting_is_in_the_readme() -> None:
    for name in Settings.model_fields:
        assert f"FALDONE_{name.upper()}" in README, name


def test_the_settings_table_says_what_the_settings_class_says() -> None:
    rows = re.findall(r"^\| (`FALDONE_[^|]*) \| ([^|]*) \|", README, re.MULTILINE)
    documented = {
        name: default for names, default in rows for name in re.findall(r"`FALDONE_([A-Z_]+?)(?:__…)?`", names)
    }
    assert {name.lower() for name in documented} == set(Settings.model_fields)
    for name, default in documented.items():
        value = Settings.model_fields[name.lower()].default
        if re.fullmatch(r"`[^`]*`|\d+", default) and isinstance(value, str | int):
            assert default.strip("`") == str(value), name


def test_prose_of_the_documents_is_at_most_120_characters_wide() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("**/*.md")]:
        prose = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        wide = [line for line in prose.splitlines() if len(line) > 120 and not line.startswith(("|", "<", "!", "#"))]
        assert not [line for line in wide if " " in line[:120].strip("- ")], page.name


def test_every_verb_has_an_example() -> None:
    def commands(group: typer.core.TyperGroup, path: str) -> list[tuple[str, str]]:
        found = []
        for name, command in group.commands.items():
            if isinstance(command, typer.core.TyperGroup):
                found += commands(command, f"{path} {name}")
            else:
                found.append((f"{path} {name}", command.help or ""))
        return found

    every = commands(get_command(app), "faldone")  # type: ignore[arg-type]
    assert len(every) > 25
    assert [name for name, text in every if "Example" not in text] == []


def test_relative_links_of_the_documents_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")]:
        for target in re.findall(r"(?:\]\(|src=\")([^)\s:\"]+)", page.read_text(encoding="utf-8")):
            path, _, place = target.partition("#")
            file = page.parent / path if path else page
            assert file.exists(), f"{page.name}: {target}"
            assert not place or place in anchors(file), f"{page.name}: {target}: no such heading"


def anchors(page: Path) -> set[str]:
    """Give the names by which GitHub links the headings of a page."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.strip().lower()).replace(" ", "-") for head in heads}


def test_every_variable_that_the_source_reads_stands_in_a_document() -> None:
    pages = README + "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    for folder in ("deployments", "flows", "tasks", "infra"):
        for file in [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).rglob("*.yaml")]:
            for name in set(re.findall(r"\bFALDONE_[A-Z]+(?:_[A-Z]+)*\b", file.read_text(encoding="utf-8"))):
                assert name in pages, f"{file.name}: {name} is documented nowhere"
