"""Scripts in production: every module is imported under the name that it is served by."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from django.utils.module_loading import import_string

from dashboard.settings import base
from dashboard.web.http.static_storage import StaticFilesStorage

STATIC = Path(__file__).resolve().parents[3] / "static"
IMPORT = re.compile(r"""^import\b[^"']*["']([^"']+)["']""", re.MULTILINE)
HASHED = re.compile(r"\.[0-9a-f]{12}\.js$")


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our own static files as production serves them; plotly.js alone would pack for seconds."""
    folder = tmp_path_factory.mktemp("collected")
    shutil.copytree(STATIC, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("plotly"))
    storage = StaticFilesStorage(location=folder, base_url="/static/")
    names = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    for _, _, outcome in storage.post_process({name: (storage, name) for name in names}):
        if isinstance(outcome, Exception):
            raise outcome
    return folder


def test_production_uses_the_storage_that_knows_imports() -> None:
    backend = base.STORAGES["staticfiles"]["BACKEND"]
    assert import_string(backend) is StaticFilesStorage


def test_imports_name_files_with_hashes(collected: Path) -> None:
    scripts = sorted((collected / "js").glob("*.js"))
    assert [path.name for path in scripts if not HASHED.search(path.name)] == []
    imports = [(path, name) for path in scripts for name in IMPORT.findall(path.read_text())]
    assert len(imports) > 10
    broken = [
        (path.name, name)
        for path, name in imports
        if not HASHED.search(name) or not (path.parent / name).is_file()
    ]
    assert broken == []


@pytest.mark.parametrize("entry", ["app", "charts"])
def test_each_module_is_reached(collected: Path, entry: str) -> None:
    def reached(path: Path) -> set[Path]:
        named = {path.parent / name for name in IMPORT.findall(path.read_text())}
        return named.union({path}, *map(reached, named))

    (script,) = (collected / "js").glob(f"{entry}.*.js")
    others = {path for path in (collected / "js").glob("*.js") if "chart" in path.name}
    everything = set((collected / "js").glob("*.js"))
    expected = others if entry == "charts" else everything - others
    assert {path.resolve() for path in reached(script)} == expected
