"""Fail when a module, function or signature outgrows the house.

Module <= 300 lines, function <= 40 lines, <= 6 positional parameters. Files that only hold a
literal table may be longer; they are named here.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 40
MAX_PARAMETERS = 6
TABLES: frozenset[str] = frozenset()
"""Modules that are one literal table."""
BANNED_NAMES = {"utils", "helpers", "common", "misc"}


def offenders(path: Path) -> Iterator[str]:
    """Yield one line for each rule that ``path`` breaks."""
    text = path.read_text()
    lines = text.count("\n")
    if path.stem in BANNED_NAMES:
        yield f"{path}: a file called {path.stem} has no reason to change; name what it does"
    if lines > MAX_MODULE_LINES and path.as_posix() not in TABLES:
        yield f"{path}: {lines} lines, at most {MAX_MODULE_LINES}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _function_offenders(path, node)


def _function_offenders(path: Path, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if lines > MAX_FUNCTION_LINES:
        yield f"{path}:{node.lineno}: {node.name} has {lines} lines, at most {MAX_FUNCTION_LINES}"
    positional = [a for a in node.args.posonlyargs + node.args.args if a.arg not in {"self", "cls"}]
    if len(positional) > MAX_PARAMETERS:
        yield (
            f"{path}:{node.lineno}: {node.name} takes {len(positional)} positional parameters, "
            f"at most {MAX_PARAMETERS}"
        )


def main() -> int:
    """Check every module of the package and the tools."""
    found = [
        line
        for root in ("src/vitruve", "tools", "benchmarks")
        for path in sorted(Path(root).rglob("*.py"))
        for line in offenders(path)
    ]
    print("\n".join(found) or "sizes: every module and function fits")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
