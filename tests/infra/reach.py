"""Which modules a module may come to load: by its imports, at its head or inside its functions, and by `late`."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = ("app", "chalicelib", "functions")


def reaches(module: str, library: str) -> bool:
    """Whether some way of imports leads from one of our modules to a library."""
    seen, waiting = {module}, [module]
    while waiting:
        found = imports(waiting.pop())
        if any(each.partition(".")[0] == library for each in found):
            return True
        new = {each for each in found if each.partition(".")[0] in OURS} - seen
        seen |= new
        waiting += sorted(new)
    return False


@cache
def imports(module: str) -> frozenset[str]:
    """What a module of ours names in its imports; what is for type checkers alone is not loaded, and left out."""
    path = ROOT / Path(*module.split("."))
    files = [path.with_suffix(".py"), path / "__init__.py"]
    text = next((each.read_text() for each in files if each.exists()), "")
    reader = _Reader()
    reader.visit(ast.parse(text))
    return frozenset(reader.found)


class _Reader(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found: set[str] = set()

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for each in node.orelse:
                self.visit(each)
        else:
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self.found |= {each.name for each in node.names}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.found |= {str(node.module), *(f"{node.module}.{each.name}" for each in node.names)}

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id == "late" and isinstance(node.args[0], ast.Constant):
            self.found.add(str(node.args[0].value))
        self.generic_visit(node)
