"""The state machine keeps its promises whatever is observed, in whatever order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dashboard.alerts.rules.state_machine import (
    Delays,
    Observation,
    RuleState,
    RuleStatus,
    next_state,
)
from tests import factories

DELAYS = Delays(timedelta(minutes=20), timedelta(minutes=30))
FACT = Delays(timedelta(0), timedelta(0), readings=1)
seen = st.sampled_from(list(Observation))


class Watched(RuleBasedStateMachine):
    """A rule that is observed at random; beside it, a plain record of what was observed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = factories.NOW
        self.current = RuleState(RuleStatus.OK, self.now, 0)
        self.breaches: list[object] = []  # fresh breaches in a row, when
        self.clears: list[object] = []  # fresh clear ones in a row, when
        self.was = self.current

    def _step(self, observation: Observation, *, fresh: bool) -> None:
        self.was = self.current
        self.current = next_state(
            self.current, observation, now=self.now, delays=DELAYS, fresh=fresh
        )

    @rule(minutes=st.integers(1, 15), observation=seen)
    def observe(self, minutes: int, observation: Observation) -> None:
        """A fresh reading."""
        self.now += timedelta(minutes=minutes)
        self.breaches = [*self.breaches, self.now] if observation is Observation.BREACH else []
        if observation is Observation.BREACH:
            self.clears = []
        if observation is Observation.CLEAR:
            self.clears = [*self.clears, self.now]
        self._step(observation, fresh=True)

    @rule(minutes=st.integers(1, 15), observation=seen)
    def wait(self, minutes: int, observation: Observation) -> None:
        """Only time passes."""
        self.now += timedelta(minutes=minutes)
        self._step(observation, fresh=False)

    @invariant()
    def fires_only_after_two_fresh_breaches_and_its_time(self) -> None:
        """Point 5."""
        if self.was.status is RuleStatus.PENDING and self.current.status is RuleStatus.FIRING:
            assert len(self.breaches) >= 2
            assert self.now - self.breaches[0] >= DELAYS.fires_after  # type: ignore[operator]

    @invariant()
    def ends_only_after_two_fresh_clear_readings_and_its_time(self) -> None:
        """Point 7."""
        if self.was.status is RuleStatus.RECOVERING and self.current.status is RuleStatus.OK:
            assert len(self.clears) >= 2
            assert self.now - self.clears[0] >= DELAYS.clears_after  # type: ignore[operator]

    @invariant()
    def never_skips_a_state(self) -> None:
        """The states form a ring, with one way back from each side."""
        allowed = {
            RuleStatus.OK: {RuleStatus.OK, RuleStatus.PENDING},
            RuleStatus.PENDING: {RuleStatus.PENDING, RuleStatus.OK, RuleStatus.FIRING},
            RuleStatus.FIRING: {RuleStatus.FIRING, RuleStatus.RECOVERING},
            RuleStatus.RECOVERING: {RuleStatus.RECOVERING, RuleStatus.FIRING, RuleStatus.OK},
        }
        assert self.current.status in allowed[self.was.status]

    @precondition(lambda self: self.current.status is RuleStatus.PENDING)
    @rule(observation=st.sampled_from([Observation.BETWEEN, Observation.CLEAR]))
    def calm_forgets_what_was_pending(self, observation: Observation) -> None:
        """Point 4."""
        self.observe(1, observation)
        assert self.current.status is RuleStatus.OK


TestWatched = Watched.TestCase


@given(st.sampled_from([RuleStatus.OK, RuleStatus.FIRING]), seen, st.integers(0, 10**6))
def test_without_a_fresh_reading_nothing_opens_and_nothing_calms(
    state: RuleStatus, observation: Observation, minutes: int
) -> None:
    at = RuleState(state, factories.NOW, 1)
    now = factories.NOW + timedelta(minutes=minutes)
    assert next_state(at, observation, now=now, delays=DELAYS, fresh=False) == at


def test_a_fact_fires_on_one_entry() -> None:
    at = RuleState(RuleStatus.OK, factories.NOW, 0)
    assert (
        next_state(at, Observation.BREACH, now=factories.NOW, delays=FACT, fresh=True).status
        is RuleStatus.FIRING
    )


def test_the_same_observations_always_end_the_same() -> None:
    def run() -> list[RuleStatus]:
        at, statuses = RuleState(RuleStatus.OK, factories.NOW, 0), []
        for minute in range(0, 600, 5):
            observation = list(Observation)[(minute // 35) % 3]
            now = factories.NOW + timedelta(minutes=minute)
            at = next_state(at, observation, now=now, delays=DELAYS, fresh=True)
            statuses.append(at.status)
        return statuses

    assert run() == run()
    assert set(run()) == set(RuleStatus)


OK, PENDING = RuleStatus.OK, RuleStatus.PENDING
FIRING, RECOVERING = RuleStatus.FIRING, RuleStatus.RECOVERING
BREACH, BETWEEN, CLEAR = Observation.BREACH, Observation.BETWEEN, Observation.CLEAR


@pytest.mark.parametrize(
    ("before", "observation", "fresh", "expected"),
    [
        ((OK, 0, 0), BREACH, True, (PENDING, 0, 1)),
        ((OK, 0, 0), BETWEEN, True, (OK, 0, 0)),
        ((PENDING, 19, 1), BREACH, True, (PENDING, 19, 2)),
        ((PENDING, 20, 1), BREACH, False, (PENDING, 20, 1)),  # in one reading only
        ((PENDING, 20, 1), BREACH, True, (FIRING, 0, 2)),
        ((PENDING, 20, 2), BREACH, False, (FIRING, 0, 2)),
        ((PENDING, 5, 2), BREACH, True, (PENDING, 5, 2)),  # more readings are no news
        ((PENDING, 5, 7), BREACH, True, (PENDING, 5, 7)),
        ((PENDING, 5, 1), CLEAR, False, (PENDING, 5, 1)),
        ((PENDING, 5, 1), BETWEEN, True, (OK, 0, 0)),
        ((FIRING, 5, 2), BREACH, True, (FIRING, 5, 2)),
        ((FIRING, 5, 2), BETWEEN, True, (FIRING, 5, 2)),
        ((FIRING, 5, 2), CLEAR, True, (RECOVERING, 0, 1)),
        ((RECOVERING, 29, 1), CLEAR, True, (RECOVERING, 29, 2)),
        ((RECOVERING, 30, 1), CLEAR, False, (RECOVERING, 30, 1)),
        ((RECOVERING, 30, 1), CLEAR, True, (OK, 0, 0)),
        ((RECOVERING, 30, 2), CLEAR, False, (OK, 0, 0)),
        ((RECOVERING, 5, 2), BETWEEN, True, (RECOVERING, 5, 2)),
        ((RECOVERING, 5, 2), BREACH, False, (RECOVERING, 5, 2)),
        ((RECOVERING, 5, 2), BREACH, True, (FIRING, 0, 1)),
    ],
)
def test_each_step_has_its_time_and_its_number_of_readings(
    before: tuple[RuleStatus, int, int],
    observation: Observation,
    fresh: bool,
    expected: tuple[RuleStatus, int, int],
) -> None:
    now = factories.NOW
    at, after = (
        RuleState(status, now - timedelta(minutes=minutes), readings)
        for status, minutes, readings in (before, expected)
    )
    assert next_state(at, observation, now=now, delays=DELAYS, fresh=fresh) == after


def test_without_delays_a_breach_fires_and_a_recovery_resolves_at_once() -> None:
    now = factories.NOW
    fires = next_state(RuleState(OK, now, 0), BREACH, now=now, delays=FACT, fresh=True)
    assert fires == RuleState(FIRING, now, 1)
    ends = next_state(fires, CLEAR, now=now, delays=FACT, fresh=True)
    assert ends == RuleState(OK, now, 0)
