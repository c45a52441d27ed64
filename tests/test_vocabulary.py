"""One vocabulary: no word of our own on pages, mails and files, and one name for one thing.

Reads every text of the templates and every sentence among the Python literals. A test of a page
cannot see all of them; this one can.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from dashboard.web.formatting.glossary import TERMS

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html")) + sorted(
    (ROOT / "templates").rglob("*.txt")
)
MODULES = sorted(
    path
    for path in (ROOT / "dashboard").rglob("*.py")
    if "migrations" not in path.parts and "simulator" not in path.parts
)
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
DOCUMENTS = [  # for project managers
    ROOT / "docs" / f"{name}.md" for name in ("alerts", "drafts", "figures", "glossary", "tour")
]

# What a fieldwork PM stops at, and what to say instead.
BANNED = {
    r"\btold\b|\bis telling\b|\btells? (you|of|us|people|nobody)\b": "notified, reported",
    r"\bat once\b": "immediately",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\banew\b": "again",
    r"\btherein\b|\bthereby\b|\bhereby\b": "in it, by it",
    r"\bagreed\b|\bagree on\b": "expected, bid",
    r"\busual (hour|week|pace|by now|time)\b|\bare usual\b|\bis usual\b": "expected, typical",
    r"\bin vain\b": "for nothing",
    r"\beven bet\b|\beight times of ten\b": "median, 80 % range",
    r"\bin the end\b": "by the end date",
    r"\b(its|their|the) end is moved\b|\b[Mm]ove the end\b|\bafter (its )?end\b": "end date, late",
    r"\bset aside\b": "data error",
    r"\bways allowed\b": "re-entry allowed",
    r"\bNot now\b": "Cancel",
    r"\bput(s|ting)? (it )?back\b": "undo",
    r"\bobjected\b|\bobjections?\b": "error",
    r"\bat an end\b|\bcame to an end\b": "ended",
    r"\bby (itself|themselves)\b": "automatically, on its own",
    r"\bfor colleagues alone\b": "internal",
    r"\bthat can be had\b|\bcan be had\b": "feasible, available",
    r"\bwho is told\b|\bwho gets what\b": "recipients, notification settings",
    r"\bsomebody\b|\bnobody\b.*\bknow": "someone, no one",
    r"\bLikely finish\b": "Projected finish",
    r"\bShort at end\b": "Projected shortfall",
    r"\bSecond factor\b|\bsecond factor\b": "two-factor authentication",
    r"\bWords\b": "Glossary",
    r"\bon its way\b": "in progress",
    r"\bcounts? in vain\b": "",
    r"\bjudg(e|es|ed|ing)\b": "evaluate",
    r"\b(rule|rules) (fire|fires|fired|clear|clears)\b": "alert, resolve",
    r"\bthe other side\b": "the identity provider",
    r"\bFix: ": "the fix as a sentence: Fix the redirects, then resume",
    r"\bthis share of\b|\(hours before\b": "a sentence with its number",
    r"\b(has|was|is|still) fir(ed|ing)\b|\bFired\b": "opened, open",
    r"· expected ·": "· bid ·, · limit ·, · needed",
    r"\bhalf-way\b|\bthere are: |\ball the time\b": "part-way, available, the whole time",
    r"\btak(e|es|en|ing) off\b|\bput on\b": "remove, add",
    r"\brhythm\b|\busual (live|daily)\b": "daily pattern, typical",
    r"\bare those of today\b|\bof that time\b.*\bnone\b": "today's … are used",
    r"\bdata comes\b": "data arrives",
    r"\bdrawn towards\b|\bcurrency apart\b|\b[Oo]f a group that\b": "weighted, by currency, for",
    r"\bheld? another value\b|\b(Cint|still) holds\b": "has, shows",
    r"\bAs the device\b|\bas the device\b": "Match system",
}
ONE_NAME = {
    r"\be-mails?\b|\bE-mails?\b|\b[Mm]ails?\b(?! server)": "email",
    r"\binterview length\b|\blength of the interview\b": "LOI or length of interview",
    r"\bincidents?\b": "alert",
    r"\b[Hh]and(s|ed)? over\b|\b[Hh]and-overs?\b": "reassign",
    r"\b(highest|lowest) CPI$|: (highest|lowest) CPI\b": "maximum CPI, minimum CPI",
    r"\bcost so far\b": "cost to date",
    r"\bsign-in name\b": "username",
    r"\b[Ff]resh\b": "up to date",
    r"\bPrice set by\b": "pricing model",
    r"\b[Tt]he exchange\b": "Cint",
}


ANY_OF_THEM = re.compile("|".join(f"(?:{pattern})" for pattern in BANNED | ONE_NAME))


def template_texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the texts that a person reads in a template: (line, text)."""
    source = path.read_text()
    source = re.sub(r"\{#.*?#\}", " ", source)
    source = re.sub(
        r"\{% comment %\}.*?\{% endcomment %\}",
        lambda m: "\n" * m[0].count("\n"),
        source,
        flags=re.DOTALL,
    )
    quoted = r'(?:title|aria-label|placeholder|data-confirm|content|alt)="([^"]*)"'
    for match in re.finditer(quoted, source):
        text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "·", match[1])
        yield source.count("\n", 0, match.start()) + 1, text
    for match in re.finditer(r'\{% (?:hint|translate) "([^"]*)"', source):
        yield source.count("\n", 0, match.start()) + 1, match[1]
    bare = re.sub(
        r"\{%.*?%\}|\{\{.*?\}\}", lambda m: "·" + "\n" * m[0].count("\n"), source, flags=re.DOTALL
    )
    bare = re.sub(
        r"<!--.*?-->|<[^>]*>", lambda m: "|" + "\n" * m[0].count("\n"), bare, flags=re.DOTALL
    )
    for number, line in enumerate(bare.splitlines(), 1):
        for text in line.split("|"):
            if re.search(r"[A-Za-z]{2}", text):
                yield number, text.strip()


def _documentation(tree: ast.AST) -> set[int]:
    """Return the ids of constants that are docstrings or values of no sentence."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.add(id(node.value))
    return found


def _is_sentence(text: str) -> bool:
    """Whether a literal is words for people: two words or more, and no code, path or query."""
    if not re.search(r"[A-Za-z]{2,} [A-Za-z(]", text):
        return False
    return not re.search(r"\b(SELECT|FROM|WHERE|COALESCE|CREATE TRIGGER)\b|^[\w.]+/[\w/.]+$", text)


def module_texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the sentences among a module's string literals: (line, text)."""
    tree = ast.parse(path.read_text())
    documentation = _documentation(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [
                str(part.value) if isinstance(part, ast.Constant) else "·" for part in node.values
            ]
            documentation |= {id(part) for part in node.values}
            text = "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) in documentation:
                continue
            text = node.value
        else:
            continue
        if _is_sentence(text):
            yield node.lineno, text


def script_texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the sentences among a script's string literals: (line, text)."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.strip().startswith(("//", "*", "/*")):
            continue
        for match in re.finditer(r'"([^"]*)"|`([^`]*)`', line):
            text = match[1] or match[2] or ""
            if _is_sentence(text):
                yield number, text


def document_texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a document without code and addresses: (line, text)."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        yield number, re.sub(r"`[^`]*`|\]\([^)]*\)", "·", line)


@cache
def texts(path: Path) -> list[tuple[int, str]]:
    """Return the texts of a file that a person reads."""
    if path.suffix == ".py":
        return list(module_texts(path))
    if path.suffix == ".js":
        return list(script_texts(path))
    if path.suffix == ".md":
        return list(document_texts(path))
    return list(template_texts(path))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_text_has_a_word_that_reads_as_translated() -> None:
    wrong = [
        f"{_name(path)}:{line}: {text!r}: say {instead}"
        for path in (*TEMPLATES, *MODULES, *SCRIPTS, *DOCUMENTS)
        for line, text in texts(path)
        if ANY_OF_THEM.search(text)
        for pattern, instead in (BANNED | ONE_NAME).items()
        if re.search(pattern, text)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_collector_sees_texts_of_every_kind() -> None:
    """Else the test above could pass on nothing."""
    assert sum(len(texts(path)) for path in TEMPLATES) > 800
    assert sum(len(texts(path)) for path in MODULES) > 1500
    assert sum(len(texts(path)) for path in SCRIPTS) > 5


def test_a_term_stands_once_in_the_glossary() -> None:
    names = [term.name.casefold() for term in TERMS]
    assert len(names) == len(set(names))
    assert names == sorted(names)
