"""The glossary is true of the code: its words name something public, and the words that they replaced name nothing."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("infra", "tasks", "flows", "deployments")
TABLES = [
    [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    for table in re.findall(r"(?:^\|.*\n)+", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
]
TERMS, REPLACED = TABLES


@cache
def public_names() -> dict[str, set[str]]:
    """Collect the public names of the packages, each with the files that give it: modules, classes, functions, values."""
    found: dict[str, set[str]] = {}
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        where = path.relative_to(ROOT).as_posix()
        module = where.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        found.setdefault(module, set()).add(where)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                names = [node.name]
                if not isinstance(node, ast.ClassDef):
                    names += [argument.arg for argument in node.args.args]
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names = [node.target.id]
            elif isinstance(node, ast.Assign):
                names = [target.id for target in node.targets if isinstance(target, ast.Name) and target.id.isupper()]
            for name in names:
                if not name.startswith("_"):
                    found.setdefault(name, set()).add(where)
    return found


def words_of(name: str) -> set[str]:
    """Split a name into its words, in lower case."""
    return {part.lower() for part in re.split(r"[._]|(?<=[a-z0-9])(?=[A-Z])", name)}


def test_there_are_at_most_twenty_terms_each_once() -> None:
    terms = [row[0] for row in TERMS]
    assert len(set(terms)) == len(terms) <= 20


@pytest.mark.parametrize("row", TERMS, ids=lambda row: row[0])
def test_a_term_is_a_public_name(row: list[str]) -> None:
    term, _, places = row
    names = re.findall(r"`([^`]+)`", places)
    assert names
    assert not [name for name in names if name not in public_names()], f"{term}: not in the code"
    said = set().union(*(words_of(name) for name in names))
    assert any(word[:5] in {part[:5] for part in said} for word in term.split()), f"{term}: none of {names} says so"


@pytest.mark.parametrize("row", REPLACED, ids=lambda row: row[0])
def test_a_word_that_was_replaced_names_nothing(row: list[str]) -> None:
    replaced = {word.strip() for word in row[0].split(",")}
    assert not {name: places for name, places in public_names().items() if words_of(name) & replaced}


def test_a_job_is_what_the_job_service_runs() -> None:
    classes = {name: places for name, places in public_names().items() if name[:1].isupper() and not name.isupper()}
    jobs = {name: places for name, places in classes.items() if words_of(name) & {"job", "jobs"}}
    assert {place.split("/")[0] for places in jobs.values() for place in places} == {"deployments"}
    modules = [name for name in public_names() if "." in name and {"job", "jobs"} & set(name.split("."))]
    assert all(module.startswith("deployments.") for module in modules), modules
