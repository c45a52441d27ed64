"""A trial in a process of its own, on the tables that its environment names."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings

from dashboard.exchange.clock import SystemClock
from tests.edits.trial import staged
from tests.edits.verdict import judge
from tests.fakes.clock import NappingClock


def trial(seed: int, edits: int, groups: int, drafts: int) -> dict[str, Any]:
    """The verdict on so many edits as JSON; between two tries of a request nobody waits."""
    SystemClock.sleep = NappingClock.sleep  # type: ignore[method-assign, assignment]
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
    logging.disable(logging.ERROR)
    with staged(seed, groups=groups, drafts=drafts) as stage:
        stage.run(edits)
        verdict = judge(stage)
        return {
            "counts": dict(sorted(verdict.counts.items())),
            "tries": len(stage.tries),
            "interfered": stage.interfered,
            "moved": stage.moved,
            "lines": verdict.lines(),
            "unsent": [
                f"try {t.number} {t.kind} of {t.group}, {t.change.name}: {t.outcome}: {t.why}"
                for t in stage.tries
                if t.outcome
            ],
            **{name: len(wrongs) for name, wrongs in verdict.wrongs().items()},
        }
