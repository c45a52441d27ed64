"""`make sbom`: what Fieldwatch installs, as CycloneDX JSON; the same pins give the same bytes."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "requirements" / "app.txt"
TOOL = Path(sys.executable).with_name("cyclonedx-py")
# Nothing of this machine goes into the file: neither its index nor its time. The schema is checked
# on what is written.
FLAGS = [
    "--no-validate",
    "--output-reproducible",
    "--of",
    "JSON",
    "--index-url",
    "https://pypi.org/simple",
]


def build_sbom() -> dict[str, Any]:
    """Return the bill of materials of the pinned requirements, with our release and its needs."""
    ran = subprocess.run(  # noqa: S603  a pinned tool, and fixed arguments
        [TOOL, "requirements", *FLAGS, "--pyproject", ROOT / "pyproject.toml", PINS],
        capture_output=True,
        check=True,
        text=True,
    )
    sbom: dict[str, Any] = json.loads(ran.stdout)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    direct = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    ours = sbom["metadata"]["component"]
    ours["version"] = _version()
    for component in sbom["components"]:
        component.pop("description", None)  # the line of the requirements file, with its hashes
    sbom["dependencies"] = [
        {
            "ref": ours["bom-ref"],
            "dependsOn": [row["bom-ref"] for row in sbom["components"] if row["name"] in direct],
        },
        *(row for row in sbom["dependencies"] if row["ref"] != ours["bom-ref"]),
    ]
    return sbom


def _version() -> str:
    """Return `__version__` without importing the product."""
    text = (ROOT / "dashboard" / "__init__.py").read_text()
    return text.partition('__version__ = "')[2].partition('"')[0]


def main() -> int:
    """Write the file that is named, or `sbom.json`; return the exit status."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "sbom.json")
    sbom = build_sbom()
    text = json.dumps(sbom, indent=2, sort_keys=True) + "\n"
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise SystemExit(f"this is no CycloneDX: {error}")
    target.write_text(text)
    print(f"{target}: {len(sbom['components'])} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
