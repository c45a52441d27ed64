"""Makes modules note each statement of a function, and the body of each lambda, as it begins."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

NAME = "_statements_begun"
AT_IMPORT = ""  # stands for the loading of the modules, which comes before the first test


def first_line_of_handler(handler: ast.ExceptHandler) -> int:
    """The line that stands for a handler: it begins when its exceptions fit."""
    return handler.body[0].lineno


class _Noting(ast.NodeTransformer):
    """Puts a note before each statement of each function, and into each lambda."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.inside = 0

    def visit(self, node: ast.AST) -> Any:
        """Enter functions, and note the statements inside."""
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        self.inside += is_function
        self.generic_visit(node)
        if self.inside:
            for field in ("body", "orelse", "finalbody"):
                block = getattr(node, field, None)
                if isinstance(block, list):
                    setattr(node, field, self._noted(block))
        self.inside -= is_function
        if isinstance(node, ast.Lambda):
            body = node.body
            node.body = ast.copy_location(ast.BoolOp(ast.Or(), [self._note(body), body]), body)
        return node

    def _noted(self, block: Sequence[ast.stmt]) -> list[ast.stmt]:
        noted: list[ast.stmt] = []
        for statement in block:
            is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if not is_text:
                noted.append(ast.copy_location(ast.Expr(self._note(statement)), statement))
            noted.append(statement)
        return noted

    def _note(self, node: ast.stmt | ast.expr) -> ast.expr:
        add = ast.Attribute(ast.Name(NAME, ast.Load()), "add", ast.Load())
        spot = ast.Tuple([ast.Constant(self.path), ast.Constant(node.lineno)], ast.Load())
        return ast.copy_location(ast.Call(add, [spot], []), node)


class _NotingLoader(SourceFileLoader):
    def get_code(self, _: str) -> CodeType:
        source = Path(self.path).read_text()
        noted = _Noting(self.path).visit(ast.parse(source))
        code: CodeType = compile(
            ast.fix_missing_locations(noted), self.path, "exec", dont_inherit=True
        )
        return code


class NotedModules(MetaPathFinder):
    def __init__(self, folders: Sequence[str]) -> None:
        self.folders = tuple(f"{folder}/" for folder in folders)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: Any = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and spec.origin and spec.origin.startswith(self.folders):
            spec.loader = _NotingLoader(fullname, spec.origin)
            return spec
        return None
