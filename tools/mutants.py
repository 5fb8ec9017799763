"""Changes one small thing in the judge at a time and asks the tests whether they notice; prints what they did not.

`make mutants` runs a seeded sample; `SAMPLE=0` runs all, `ONLY="trust claim"` those of some modules. A survivor is a change
that no test of gates/ saw: either a missing case, or a change without any effect, which docs/mutants.md explains.
"""

from __future__ import annotations

import ast
import copy
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import DEVNULL, TimeoutExpired, run
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
GATES = ROOT / "src" / "dhash_guard" / "gates"
TESTS = [
    "tests/unit/gates",
    "tests/unit/github/test_github_approvals.py",
    "tests/properties/test_judging.py",
    "tests/properties/test_folding.py",
]
LONGEST = 120.0

_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.Mult: ast.Div, ast.Div: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def places(tree: ast.Module) -> Iterator[tuple[int, int, str]]:
    """Every place that can be changed: index in the walk, which part of the node, and what it becomes."""
    for index, node in enumerate(ast.walk(tree)):
        if isinstance(node, ast.Compare):
            for part, op in enumerate(node.ops):
                yield index, part, f"{type(op).__name__} -> {_SWAPS[type(op)].__name__}"
        elif isinstance(node, (ast.BinOp, ast.BoolOp)) and type(node.op) in _SWAPS:
            yield index, 0, f"{type(node.op).__name__} -> {_SWAPS[type(node.op)].__name__}"
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield index, 0, "not x -> x"
        elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            yield index, 0, f"{node.value!r} -> {_other(node.value)!r}"


def _other(value: float | bool) -> float | bool:
    return not value if isinstance(value, bool) else value + 1


def changed(tree: ast.Module, index: int, part: int) -> tuple[ast.Module, int]:
    """A copy of the tree with that place changed, and its line."""
    other = copy.deepcopy(tree)
    node = list(ast.walk(other))[index]
    if isinstance(node, ast.Compare):
        swapped: Any = _SWAPS[type(node.ops[part])]()
        node.ops[part] = swapped
    elif isinstance(node, (ast.BinOp, ast.BoolOp)):
        operator: Any = _SWAPS[type(node.op)]()
        node.op = operator
    elif isinstance(node, ast.UnaryOp):
        node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.Constant):
        number: Any = node.value  # numbers only, see places()
        node.value = _other(number)
    return ast.fix_missing_locations(other), getattr(node, "lineno", 0)


def noticed(path: Path, source: str) -> bool:
    """Whether the tests fail with this source in the place of the module's: its own first, which are quick, then all.

    Endless running counts as noticed.
    """
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "dhash_guard"
        package.mkdir()
        for entry in (ROOT / "src" / "dhash_guard").iterdir():
            if entry.name != "gates":
                (package / entry.name).symlink_to(entry)
        (package / "gates").mkdir()
        for entry in GATES.glob("*.py"):
            if entry != path:
                (package / "gates" / entry.name).symlink_to(entry)
        (package / "gates" / path.name).write_text(source, encoding="utf-8")
        surroundings = os.environ | {"PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        own = [str(found) for found in (ROOT / "tests" / "unit" / "gates").glob(f"test_{path.stem}*.py")]
        return any(_fails(tests, surroundings) for tests in (own, TESTS) if tests)


def _fails(tests: list[str], surroundings: dict[str, str]) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider", *tests]
    try:
        return run(command, cwd=ROOT, env=surroundings, stdout=DEVNULL, stderr=DEVNULL, timeout=LONGEST).returncode != 0
    except TimeoutExpired:
        return True


def main() -> int:
    """Print every survivor as `file:line what`, and the share that was noticed."""
    sample, only = int(os.environ.get("SAMPLE", "200")), os.environ.get("ONLY", "").split()
    paths = sorted(path for path in GATES.glob("*.py") if not only or path.stem in only)
    if unknown := set(only) - {path.stem for path in paths}:
        print(f"gates/ has no module {', '.join(sorted(unknown))}")
        return 2
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}
    every = [(path, *place) for path, tree in trees.items() for place in places(tree)]
    chosen = every if not sample else random.Random(4).sample(every, min(sample, len(every)))

    anywhere = next(iter(trees))
    if noticed(anywhere, anywhere.read_text(encoding="utf-8")):
        print("the tests fail without any change; there is nothing to learn")
        return 1

    def tried(place: tuple[Path, int, int, str]) -> str:
        path, index, part, what = place
        tree, line = changed(trees[path], index, part)
        return "" if noticed(path, ast.unparse(tree)) else f"{path.name}:{line} {what}"

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        survivors = [line for line in pool.map(tried, chosen) if line]
    print("\n".join(sorted(survivors)))
    print(f"{len(chosen)} of {len(every)} changes tried, {len(chosen) - len(survivors)} noticed, {len(survivors)} survived")
    return 0


if __name__ == "__main__":
    sys.exit(main())
