"""Each call into LanceDB is known to read or to commit; commits are points at which the tests of crashes kill, and they ask the lane first."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType

import pytest

from ground import COMMITS
from infra import lake, lake_upkeep

READS = {
    "all_files",
    "checkout",
    "count_rows",
    "get_fragments",
    "has_index",
    "head",
    "index_stats",
    "list",
    "list_indices",
    "list_tables",
    "merge_insert",
    "open_table",
    "search",
    "slice",
    "stats",
    "take",
    "to_arrow",
    "to_batches",
    "tracked_files",
    "version",
    "version_refs",
    # of a merge before it is carried out
    "use_index",
    "when_matched_update_all",
    "when_not_matched_by_source_delete",
    "when_not_matched_insert_all",
}
WRITES = {name for _, names in COMMITS.values() for name in names}
OF_LANCE = {name for kind in COMMITS for name in dir(kind) if not name.startswith("_")}


def _calls(node: ast.AST) -> set[str]:
    """Names of the methods of LanceDB that are called within a function."""
    called = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
    methods = [one for one in called if isinstance(one, ast.Attribute)]
    return {one.attr for one in methods if ast.unparse(one.value) not in {"pa", "' '"}} & OF_LANCE


@pytest.mark.parametrize("module", [lake, lake_upkeep], ids=lambda module: module.__name__)
def test_each_call_into_lancedb_reads_or_commits_under_a_lane(module: ModuleType) -> None:
    tree = ast.parse(inspect.getsource(module))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert set().union(*map(_calls, functions)) & WRITES
    for function in functions:
        called = _calls(function)
        assert called <= READS | WRITES, f"{function.name}: is it a read or a commit? {sorted(called - READS - WRITES)}"
        asks = {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
        if called & WRITES:
            assert "writing" in asks, f"{function.name} commits and does not ask its lane"
