"""Forecasts of groups as of past times, by the same computation as today's.

A forecast is expensive, so it is computed twice a day and before and after each change of a setting
or status. Where the verdict of a rule differs between two of these, it is also computed in between,
until they are less than an hour apart.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from dashboard.alerts.replay.group_history import GroupTimeline
from dashboard.alerts.rules.snapshot import GroupSnapshot
from dashboard.alerts.rules.state_machine import Observation
from dashboard.alerts.rules.verdict import Verdict
from dashboard.fielding.domain.json import Json
from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.insight import samples as group_samples
from dashboard.fielding.insight.assistant_modules import modules_of
from dashboard.fielding.insight.baselines import Baselines, load_baselines
from dashboard.fielding.insight.compute import forecast_histories, outcome_of_history
from dashboard.fielding.insight.document import Insight, StoredEpc
from dashboard.fielding.insight.group_history import GroupHistory, series_until
from dashboard.fielding.series import daily

EVERY, CLOSE_ENOUGH = timedelta(hours=12), timedelta(hours=1)
JUST_BEFORE = timedelta(seconds=1)
SAMPLE_EVERY = timedelta(seconds=group_samples.STEP)
CHUNK = 400  # forecasts computed together: more need more memory and are no faster


class NotEvaluated:
    """No verdict, because the rule does not apply to a group in that status."""

    observation = None


NOT_EVALUATED = NotEvaluated()
JudgeSnapshot = Callable[[GroupSnapshot], Verdict | NotEvaluated | None]
Moment = tuple[GroupTimeline, datetime]


class SamplesThen(NamedTuple):
    """A group's stored samples as of a time, in their JSON form."""

    at: datetime
    samples: list[list[Json]]


class _Evaluation(NamedTuple):
    """A verdict at a past time, and the insight that it is based on."""

    verdict: Verdict | NotEvaluated | None
    insight: Insight


def attach_insights(
    timelines: Collection[GroupTimeline], judge: JudgeSnapshot, *, now: datetime, sampled: bool
) -> None:
    """Attach to each timeline the insights by which a rule evaluates it.

    judge: the rule's verdict on a snapshot, or NOT_EVALUATED in a status it does not apply to.
    sampled: with the samples of the hours before, which only pause risk needs.
    """
    baselines = load_baselines([timeline.group for timeline in timelines])
    samples = {row: samples_of(row, now=now) if sampled else [] for row in timelines}
    evaluations: dict[GroupTimeline, dict[datetime, _Evaluation]] = {row: {} for row in timelines}
    moments = [(row, at) for row in timelines for at in _first_moments(row, now)]
    while moments:
        without_verdict = [(row, at) for row, at in moments if judge(row.at(at)) is None]
        insights = insights_at(without_verdict, baselines, samples)
        for row, at in moments:
            group, insight = row.at(at), insights.get((row, at), Insight())
            verdict = judge(group._replace(insight=group.insight.with_parts_of(insight)))
            evaluations[row][at] = _Evaluation(verdict, insight)
        moments = [(row, at) for row, by_time in evaluations.items() for at in _between(by_time)]
    for row, by_time in evaluations.items():
        row.depends_on_insights_only = True
        row.insights = [(at, by_time[at].insight) for at in sorted(by_time)]


def _first_moments(timeline: GroupTimeline, now: datetime) -> list[datetime]:
    """Return two times a day, and each change of a setting with the time just before it."""
    start = timeline.start
    if start is None:
        return []
    steps = int((now - start) / EVERY) + 1
    regular = [now - EVERY * step for step in range(steps)]
    around = [
        at - before for at in timeline.setting_changes for before in (timedelta(0), JUST_BEFORE)
    ]
    return sorted({start, *regular, *(at for at in around if start < at <= now)})


def _between(evaluations: Mapping[datetime, _Evaluation]) -> Iterator[datetime]:
    """Yield the middle of each span in which the verdict changed."""
    for before, after in pairwise(sorted(evaluations)):
        first, second = evaluations[before].verdict, evaluations[after].verdict
        if isinstance(first, NotEvaluated) or isinstance(second, NotEvaluated):
            continue
        differs = _observation_of(first) != _observation_of(second)
        if differs and after - before > CLOSE_ENOUGH:
            yield before + (after - before) / 2


def _observation_of(verdict: Verdict | None) -> Observation | None:
    return verdict.observation if verdict is not None else None


def insights_at(
    moments: Sequence[Moment],
    baselines: Baselines,
    samples: Mapping[GroupTimeline, Sequence[SamplesThen]],
) -> dict[Moment, Insight]:
    """Return the insight of each group at each time; computed oldest first, for equal lengths."""
    insights: dict[Moment, Insight] = {}
    ordered = sorted(moments, key=lambda moment: moment[1])
    for start in range(0, len(ordered), CHUNK):
        chunk = ordered[start : start + CHUNK]
        histories = [_history_at(row, at, baselines, samples[row]) for row, at in chunk]
        results = forecast_histories(histories)
        for (row, at), history, result in zip(chunk, histories, results, strict=True):
            insights[row, at] = outcome_of_history(history, result, risks=bool(samples[row]))
    return insights


def _history_at(
    timeline: GroupTimeline, at: datetime, baselines: Baselines, samples: Sequence[SamplesThen]
) -> GroupHistory:
    """Return the group with everything that its insight needs, as of a time."""
    group = timeline.group_at(at)
    newest = bisect_right(samples, at, key=lambda row: row.at)
    group.insight = {"trail": samples[newest - 1].samples} if newest else {}
    group.respondent_analysis = []  # not stored
    return GroupHistory(
        group=group,
        now=at,
        series=series_until(timeline.series, group.completes, at.timestamp()),
        pauses=daily.pauses_of(timeline.pauses(at)),
        zone=zone_of(group.country_code, group.time_zone),
        modules=modules_of(timeline.assistant_changes(at), group.details),
        pools=baselines,
    )


def samples_of(timeline: GroupTimeline, *, now: datetime) -> list[SamplesThen]:
    """Return the stored samples of a group as of each quarter of a day."""
    if timeline.start is None:
        return []
    rows: list[SamplesThen] = []
    samples: list[group_samples.Sample] = []
    at = timeline.start
    while at <= now:
        sample = group_samples.sample_of(timeline.group_at(at), now=at)
        samples = group_samples.with_sample(samples, sample)
        rows.append(SamplesThen(at, [list(sample) for sample in samples]))
        at += SAMPLE_EVERY
    return rows


def attach_median_epc(timelines: Collection[GroupTimeline], *, now: datetime) -> None:
    """Attach to each timeline the median EPC of its last days, as of each quarter of a day."""
    for timeline in timelines:
        for at, rows in samples_of(timeline, now=now):
            samples = group_samples.samples_from_json(rows)
            median = group_samples.usual_figure(samples, "epc", timeline.at(at).cpi)
            if median is not None:
                timeline.insights.append((at, Insight(epc=StoredEpc(median=median))))
