"""All small changes of the product that could change what it does, made by cosmic-ray's operators.

A place is a spot of the source at which operators apply: a draw takes places first, then one change
of each. Otherwise every plus, which has eleven replacements, would count eleven times.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from parso.tree import Leaf

from bench.mutation.swap import compiled, same_code

# `==` and `is` answer the same for enumerations and interned values, by chance of the interpreter.
BY_CHANCE = re.compile(r"_(Eq_Is|Is_Eq|NotEq_IsNot|IsNot_NotEq)$")


def family_of(operator: str) -> str:
    """What comes first in an operator's name, as in `core/ReplaceUnaryOperator_USub_Not`."""
    return operator.rpartition("/")[2].partition("_")[0]


# The kinds of nodes that each family of operators changes.
NODES = {
    "AddNot": ("if_stmt", "while_stmt", "assert_stmt", "test"),
    "ExceptionReplacer": ("except_clause",),
    "NumberReplacer": ("number",),
    "RemoveDecorator": ("decorator",),
    "ReplaceAndWithOr": ("keyword",),
    "ReplaceBinaryOperator": ("operator",),
    "ReplaceBreakWithContinue": ("keyword",),
    "ReplaceComparisonOperator": ("comparison",),
    "ReplaceContinueWithBreak": ("keyword",),
    "ReplaceFalseWithTrue": ("keyword",),
    "ReplaceOrWithAnd": ("keyword",),
    "ReplaceTrueWithFalse": ("keyword",),
    "ReplaceUnaryOperator": ("factor", "not_test"),
    "ZeroIterationForLoop": ("for_stmt",),
}
OPERATORS = {
    name: get_operator(name)()
    for name in operator_names()
    if not BY_CHANCE.search(name)
    if not get_operator(name).arguments()
}
OPERATORS_OF: dict[str, list[str]] = defaultdict(list)
for _name in OPERATORS:
    for _kind in NODES[family_of(_name)]:
        OPERATORS_OF[_kind].append(_name)
PUNCTUATION = frozenset("()[]{},:.=;") | {":=", "->", "..."}
LOGS = {"log", "logger"}
TYPE_OPTIONS = {"frozen", "kw_only", "gc", "slots", "total"}  # the type checker's, or memory only
CACHES = re.compile(r"@(functools\.)?(cache|lru_cache)\b")
ALIAS = re.compile(r"_?[A-Z][a-z]\w*$")


class Mutant(NamedTuple):
    """One change of one file. `defines` has the names under which others use the place."""

    path: str
    line: int
    defines: tuple[str, ...]
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.before}  =>  {self.after}"


class MutablePlace(NamedTuple):
    """A spot of a file, and the changes that operators know for it: operator and occurrence."""

    path: str
    node: Any  # of parso's tree, whose kinds have their own members
    row: int
    changes: list[tuple[str, int]]


def places_in(path: str, source: str) -> Iterator[MutablePlace]:
    """Every spot of a file at which a change may change what the product does."""
    counts: dict[str, int] = defaultdict(int)
    spots: dict[tuple[object, ...], MutablePlace] = {}
    for node in ast_nodes(get_ast(source)):
        if node.type not in OPERATORS_OF or (isinstance(node, Leaf) and node.value in PUNCTUATION):
            continue
        exempt = is_exempt(node)
        for name in OPERATORS_OF[node.type]:
            for start, end in OPERATORS[name].mutation_positions(node):
                spot = MutablePlace(path, node, start[0], [])
                if not exempt:
                    spot = spots.setdefault((start, end, family_of(name)), spot)
                spot.changes.append((name, counts[name]))
                counts[name] += 1
    yield from spots.values()


def is_exempt(node: Any) -> bool:
    """Whether a change here can change nothing: annotations, types, log texts, caches."""
    if node.type == "decorator" and CACHES.match(_code(node)):
        return True
    child, parent = node, node.parent
    while parent is not None:
        exempts = EXEMPTS.get(parent.type)
        if exempts is not None and exempts(parent, child):
            return True
        child, parent = parent, parent.parent
    return False


def _is_type_alias(statement: Any) -> bool:
    is_of_module = statement.parent.parent.type == "file_input"
    return is_of_module and bool(ALIAS.match(statement.get_first_leaf().value))


def _is_protocol(definition: Any) -> bool:
    bases = definition.get_super_arglist()
    return bases is not None and "Protocol" in _code(bases)


def _is_for_types(condition: Any, child: Any) -> bool:
    """Whether a child is the test for TYPE_CHECKING or what follows it, but not its `else`."""
    return _code(condition.children[1]) == "TYPE_CHECKING" and child in condition.children[:4]


# By the kind of a node around a change: whether what is in this child of it is exempt.
EXEMPTS: dict[str, Callable[[Any, Any], bool]] = {
    "annassign": lambda node, child: child is node.children[1],
    "tfpdef": lambda *_: True,
    "funcdef": lambda node, child: child is node.annotation,
    "parameters": lambda _, child: child.type == "operator",  # the star before named arguments
    "argument": lambda node, _: node.get_first_leaf().value in TYPE_OPTIONS,
    "decorator": lambda node, _: bool(CACHES.match(_code(node))),
    "if_stmt": _is_for_types,
    "expr_stmt": lambda node, _: _is_type_alias(node),
    "classdef": lambda node, _: _is_protocol(node),
    "atom_expr": lambda node, _: node.get_first_leaf().value in LOGS,
}


def _code(node: Any) -> str:
    return str(node.get_code(include_prefix=False)).strip()


def make_mutant(place: MutablePlace, source: str, change: tuple[str, int]) -> Mutant | None:
    """Make one change; None if it is no program, or the same one."""
    name, occurrence = change
    try:
        changed = mutate_code(source, OPERATORS[name], occurrence)
    except AttributeError:  # cosmic-ray 8.7 cannot replace a dotted name in a tuple of exceptions
        return None
    if changed is None:
        return None
    changed = _in_its_place(source, changed)
    try:
        if same_code(compiled(Path(), source), compiled(Path(), changed)):
            return None
    except (SyntaxError, ValueError):
        return None
    before, after = (text.splitlines()[place.row - 1] for text in (source, changed))
    names, after = _names_around(place.node), after.strip() or "(gone)"
    return Mutant(place.path, place.row, names, before.strip(), after, changed)


def _in_its_place(before: str, after: str) -> str:
    """A changed text with the space that stood before the change, so that no line moves."""
    start = _alike(before, after)
    end = _alike(before[start:][::-1], after[start:][::-1])
    old, new = (text[start : len(text) - end] for text in (before, after))
    new = old[: len(old) - len(old.lstrip())] + new.lstrip()
    lost = old.count("\n") - new.count("\n")
    return before[:start] + "\n" * lost + new + before[len(before) - end :]


def _alike(one_text: str, other_text: str) -> int:
    """How many characters two texts share from their start."""
    pairs = enumerate(zip(one_text, other_text, strict=False))
    shorter = min(len(one_text), len(other_text))
    return next((number for number, (one, other) in pairs if one != other), shorter)


def _names_around(node: Any) -> tuple[str, ...]:
    """What the statement, function and class around a node define, from the inside out."""
    names: list[str] = []
    while node is not None:
        match node.type:
            case "expr_stmt":
                names += [name.value for name in node.get_defined_names()]
            case "funcdef" | "classdef":
                names.append(node.name.value)
            case "decorated":
                names.append(node.children[-1].name.value)
        node = node.parent
    return tuple(dict.fromkeys(names))


def read_sources(root: Path, folders: Iterable[str]) -> dict[str, str]:
    """The text of every module below these folders, by its path from the root."""
    return {
        str(path.relative_to(root)): path.read_text()
        for folder in folders
        for path in sorted((root / folder).rglob("*.py"))
    }


def draw_mutants(sources: dict[str, str], *, seed: int, count: int) -> list[Mutant]:
    """Draw places of all files by one seed, each with one of its changes; no place twice."""
    chance = random.Random(seed)  # noqa: S311  a draw that can be repeated
    places = [place for path, source in sources.items() for place in places_in(path, source)]
    chance.shuffle(places)
    mutants: list[Mutant] = []
    for place in places:
        if len(mutants) == count:
            break
        changes = list(place.changes)
        chance.shuffle(changes)
        made = (make_mutant(place, sources[place.path], change) for change in changes)
        if mutant := next((mutant for mutant in made if mutant), None):
            mutants.append(mutant)
    return mutants
