"""Puts a changed module into a running process, or in the way of its import."""

from __future__ import annotations

import gc
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

Functions = dict[CodeType, list[FunctionType]]
Swaps = list[tuple[FunctionType, CodeType]]


def compiled(path: Path, source: str) -> CodeType:
    """The code of a module as its import makes it."""
    code: CodeType = compile(source, str(path), "exec", dont_inherit=True)
    return code


def changed_functions(before: CodeType, after: CodeType) -> list[tuple[CodeType, CodeType]] | None:
    """The outermost functions that differ; None where code that runs at the import differs."""
    inner = [
        [const for const in code.co_consts if isinstance(const, CodeType)]
        for code in (before, after)
    ]
    if _without_inner(before) != _without_inner(after) or len(inner[0]) != len(inner[1]):
        return None
    changed: list[tuple[CodeType, CodeType]] = []
    for old, new in zip(*inner, strict=True):
        if same_code(old, new):
            continue
        if old.co_flags & CO_OPTIMIZED:
            if old.co_name.startswith("<") and old.co_name != "<lambda>":
                return None  # a comprehension runs where it stands
            changed.append((old, new))
        else:
            of_class = changed_functions(old, new)
            if of_class is None:
                return None
            changed += of_class
    return changed


def _without_inner(code: CodeType) -> CodeType:
    consts = (None if isinstance(const, CodeType) else const for const in code.co_consts)
    return code.replace(co_consts=tuple(consts), co_linetable=b"")


def same_code(before: CodeType, after: CodeType) -> bool:
    """Whether two codes do the same, wherever their words stand on a line."""
    inner = [
        [const for const in code.co_consts if isinstance(const, CodeType)]
        for code in (before, after)
    ]
    return (
        _without_inner(before) == _without_inner(after)
        and len(inner[0]) == len(inner[1])
        and all(same_code(*pair) for pair in zip(*inner, strict=True))
    )


def loaded_functions(folder: Path) -> Functions:
    """Every function of the modules below a folder that this process has loaded, by its code."""
    functions: Functions = {}
    gc.unfreeze()
    for each in gc.get_objects():
        if type(each) is FunctionType and each.__code__.co_filename.startswith(f"{folder}/"):
            functions.setdefault(each.__code__, []).append(each)
    return functions


def swaps_for(path: Path, before: str, after: str, functions: Functions) -> Swaps | None:
    """The loaded functions that a change concerns, each with its new code; None: import anew."""
    pairs = changed_functions(compiled(path, before), compiled(path, after))
    if pairs is None or not all(old in functions for old, _ in pairs):
        return None
    return [(function, new) for old, new in pairs for function in functions[old]]


class _Changed(SourceFileLoader):
    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self.source = source

    def get_code(self, _: str) -> CodeType:
        return compiled(Path(self.path), self.source)


class ChangedModule(MetaPathFinder):
    """Gives one module of the folder in its changed form to whoever imports it."""

    def __init__(self, root: Path, path: str, source: str) -> None:
        self.file, self.source = root / path, source
        self.name = ".".join(Path(path).with_suffix("").parts).removesuffix(".__init__")

    def find_spec(self, fullname: str, *_: Any) -> ModuleSpec | None:
        """Answer for the changed module alone."""
        if fullname != self.name:
            return None
        loader = _Changed(fullname, str(self.file), self.source)
        below = [str(self.file.parent)] if self.file.name == "__init__.py" else None
        return spec_from_file_location(
            fullname, self.file, loader=loader, submodule_search_locations=below
        )

    def install(self) -> None:
        """Stand before all other finders."""
        sys.meta_path.insert(0, self)
