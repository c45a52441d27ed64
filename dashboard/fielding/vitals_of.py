"""The vitals of a group, from its columns, its story and its trail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from dashboard.fielding import trail
from dashboard.fielding.forecast import Forecast
from dashboard.fielding.pace import Silence
from dashboard.fielding.story import Story
from dashboard.fielding.trail import Sample
from dashboard.fielding.vitals import Vitals

_HOUR = timedelta(hours=1)


def vitals_of(
    story: Story,
    outlook: Forecast,
    quiet: Silence | None,
    samples: Sequence[Sample],
    *,
    now: datetime,
) -> Vitals:
    """The numbers that diagnosis and early warning read of one group."""
    group, soft = story.group, story.modules.soft_launch
    recent = _lately(samples, trail.sample_of(group, now=now), quiet)
    left = (group.ends_at - now) / _HOUR if group.ends_at else None
    done = group.completes or 0
    coming = outlook.completes_at_end_p50 - done
    running = left is not None and left > 0
    told = group.respondent_analysis
    return Vitals(
        status=group.status,
        currency=group.currency or "USD",
        entrants=group.entrants,
        prescreens=group.prescreens,
        completes=group.completes,
        goal=story.goal,
        ir=group.incidence_rate,
        ir_expected=group.expected_incidence_rate,
        loi_seconds=group.median_loi_seconds,
        loi_minutes=group.expected_loi_minutes,
        drop_off=group.drop_off_rate,
        cpi=group.cpi,
        cpi_usual=story.pools.price(group),
        cpi_limit=story.modules.cpi_limit,
        epc=group.epc,
        epc_usual=trail.usual(samples, "epc", group.cpi),
        epcm=group.epcm,
        epcm_usual=trail.usual(samples, "epcm", group.cpi),
        lately_hours=recent.hours if recent else None,
        completes_lately=recent.completes if recent else None,
        entrants_lately=recent.entrants if recent else None,
        prescreens_lately=recent.prescreens if recent else None,
        drop_off_lately=recent.drop_off if recent else None,
        ir_lately=recent.ir if recent else None,
        loi_lately=recent.loi_seconds if recent else None,
        hours_silent=quiet.hours if quiet else None,
        expected_in_silence=quiet.usual if quiet else None,
        hours_left=left,
        chance=outlook.chance,
        soft_launch_hours_left=(soft.ends_at - now) / _HOUR if soft else None,
        completes_an_hour=coming / left if left and running else None,
        needed_an_hour=(outlook.goal - done) / left if left and running else None,
        quotas_full=story.quotas_full,
        analysis={one["label"] or one["status"]: one["count"] or 0 for one in told},
    )


def _lately(samples: Sequence[Sample], now: Sample, quiet: Silence | None) -> trail.Lately | None:
    """What happened during a silence, or else over the last hours."""
    if quiet is not None and quiet.since is not None:
        span = timedelta(seconds=now.at) - timedelta(seconds=quiet.since.timestamp())
        silent = [one for one in samples if one.at >= quiet.since.timestamp()]
        if span > trail.LATELY and silent and silent[0].at < now.at:
            return trail.lately(silent, now, span=timedelta(seconds=now.at - silent[0].at))
    return trail.lately(samples, now)
