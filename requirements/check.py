"""Whether the pins are in step with pyproject.toml: all pinned, in their range, with hashes."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", re.MULTILINE)


def pins(text: str) -> dict[str, list[Version]]:
    """The versions pinned, by canonical name; several where markers differ."""
    found: dict[str, list[Version]] = {}
    for name, version in _PIN.findall(text):
        found.setdefault(canonicalize_name(name), []).append(Version(version))
    return found


def problems(wanted: list[str], text: str) -> list[str]:
    """What is wrong with a requirements file, a sentence each."""
    pinned = pins(text)
    found = [
        f"{one} is not pinned in its range: run make lock"
        for one in map(Requirement, wanted)
        if not any(
            one.specifier.contains(version, prereleases=True)
            for version in pinned.get(canonicalize_name(one.name), [])
        )
    ]
    if "://" in re.sub(r"#.*", "", text) or "--index-url" in text:
        found.append("an index address stands in a requirements file")
    lines = re.split(r"\n(?=[A-Za-z0-9])", text)
    found += [
        f"{line.split()[0]} has no hash"
        for line in lines
        if "==" in line.split("\n")[0] and "--hash=" not in line
    ]
    return found


def main() -> int:
    """Print what is wrong; the number of problems."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"]
    groups = project["dependency-groups"]
    found = problems(wanted, (ROOT / "requirements/app.txt").read_text())
    found += problems(wanted + groups["dev"], (ROOT / "requirements/dev.txt").read_text())
    found += problems(groups["bench"], (ROOT / "requirements/bench.txt").read_text())
    print(*found, sep="\n") if found else None
    return len(found)


if __name__ == "__main__":
    sys.exit(main())
