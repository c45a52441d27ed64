"""A small trial; `make soak ARGS=edits` runs the long one."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from tests.edits.trial import staged
from tests.edits.verdict import judge

EDITS = 40


@pytest.mark.django_db
def test_edits_do_what_they_say_at_an_exchange_that_lags(settings: Settings) -> None:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    with staged(12, groups=14, drafts=5) as trial:
        trial.run(EDITS, phase=8)
        verdict = judge(trial)
    wrongs = {
        name: sentences
        for name, sentences in verdict.wrongs().items()
        if sentences and name != "raced"
    }
    assert wrongs == {}
    confirmed = {name.split(":")[0] for name in verdict.counts if name.endswith(" confirmed")}
    assert len(confirmed) >= 7, verdict.counts
