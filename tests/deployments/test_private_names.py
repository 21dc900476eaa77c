"""Every name of Prefect in use is of its documented modules, or stands with its reason in docs/platform.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = re.compile(
    r"prefect(\.(artifacts|cache_policies|client\.schemas\.objects|concurrency\.sync|deployments|exceptions|runtime|settings))?"
)
HIDDEN = re.compile(r"PREFECT__[A-Z_]*[A-Z]")  # Prefect's own between its processes; settings have one underline


def in_use() -> set[str]:
    """The names that are not public."""
    found: set[str] = set()
    for file in (file for floor in ("infra", "tasks", "flows", "deployments") for file in (ROOT / floor).rglob("*.py")):
        text = file.read_text()
        found |= set(HIDDEN.findall(text))
        for node in ast.walk(ast.parse(text)) if "prefect" in text else ():
            if isinstance(node, ast.ImportFrom) and re.match(r"prefect\b", node.module or ""):
                found |= set() if PUBLIC.fullmatch(str(node.module)) else {one.name for one in node.names}
            elif isinstance(node, ast.Import):
                found |= {one.name for one in node.names if one.name.startswith("prefect.")}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(re.findall(r"prefect(?:\.\w+)+:(\w+)", node.value))  # an application for uvicorn
    return found


def test_each_private_name_of_prefect_has_its_reason_and_none_is_listed_for_nothing() -> None:
    table = (ROOT / "docs" / "platform.md").read_text().partition("## What of Prefect is not its public interface")[2]
    listed = set(re.findall(r"\w+", table))
    used = in_use()
    assert used >= {"load_flow_run", "create_app", "PREFECT__FLOW_RUN_ID", "SQLITE_BEGIN_MODE"}, "it finds none"
    assert not used - listed, f"say in docs/platform.md why these are needed: {sorted(used - listed)}"
    first = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    names = {name for cell in first for name in re.findall(r"`(PREFECT__\w*\w|[a-z]\w+_\w+|[A-Z]\w+)", cell)}
    gone = {one for one in names if not any(one.rstrip("_…") in used_ for used_ in used)} - {
        "begin_transaction",
        "REST",
    }
    assert not gone, f"docs/platform.md lists {sorted(gone)}, which nothing uses"
