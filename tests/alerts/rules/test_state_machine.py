"""The machine as such: whatever is observed, in whatever order, its promises hold."""

from __future__ import annotations

from datetime import timedelta

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

PATIENCE = Delays(timedelta(minutes=20), timedelta(minutes=30))
FACT = Delays(timedelta(0), timedelta(0), readings=1)
seen = st.sampled_from(list(Observation))


class Watched(RuleBasedStateMachine):
    """A rule that is observed at random; beside it, a plain record of what was seen."""

    def __init__(self) -> None:
        super().__init__()
        self.now = factories.NOW
        self.standing = RuleState(RuleStatus.OK, self.now, 0)
        self.breaches: list[object] = []  # fresh breaches in a row, when
        self.clears: list[object] = []  # fresh clear ones in a row, when
        self.was = self.standing

    def _step(self, what: Observation, *, fresh: bool) -> None:
        self.was = self.standing
        self.standing = next_state(
            self.standing, what, now=self.now, patience=PATIENCE, fresh=fresh
        )

    @rule(minutes=st.integers(1, 15), what=seen)
    def observe(self, minutes: int, what: Observation) -> None:
        """A fresh reading."""
        self.now += timedelta(minutes=minutes)
        self.breaches = [*self.breaches, self.now] if what is Observation.BREACH else []
        if what is Observation.BREACH:
            self.clears = []
        if what is Observation.CLEAR:
            self.clears = [*self.clears, self.now]
        self._step(what, fresh=True)

    @rule(minutes=st.integers(1, 15), what=seen)
    def wait(self, minutes: int, what: Observation) -> None:
        """Only time passes."""
        self.now += timedelta(minutes=minutes)
        self._step(what, fresh=False)

    @invariant()
    def fires_only_after_two_fresh_breaches_and_its_time(self) -> None:
        """Point 5."""
        if self.was.state is RuleStatus.PENDING and self.standing.state is RuleStatus.FIRING:
            assert len(self.breaches) >= 2
            assert self.now - self.breaches[0] >= PATIENCE.fires_after  # type: ignore[operator]

    @invariant()
    def ends_only_after_two_fresh_clear_readings_and_its_time(self) -> None:
        """Point 7."""
        if self.was.state is RuleStatus.RECOVERING and self.standing.state is RuleStatus.OK:
            assert len(self.clears) >= 2
            assert self.now - self.clears[0] >= PATIENCE.clears_after  # type: ignore[operator]

    @invariant()
    def never_skips_a_state(self) -> None:
        """The states form a ring, with one way back from each side."""
        allowed = {
            RuleStatus.OK: {RuleStatus.OK, RuleStatus.PENDING},
            RuleStatus.PENDING: {RuleStatus.PENDING, RuleStatus.OK, RuleStatus.FIRING},
            RuleStatus.FIRING: {RuleStatus.FIRING, RuleStatus.RECOVERING},
            RuleStatus.RECOVERING: {RuleStatus.RECOVERING, RuleStatus.FIRING, RuleStatus.OK},
        }
        assert self.standing.state in allowed[self.was.state]

    @precondition(lambda self: self.standing.state is RuleStatus.PENDING)
    @rule(what=st.sampled_from([Observation.BETWEEN, Observation.CLEAR]))
    def calm_forgets_what_was_pending(self, what: Observation) -> None:
        """Point 4."""
        self.observe(1, what)
        assert self.standing.state is RuleStatus.OK


TestWatched = Watched.TestCase


@given(st.sampled_from([RuleStatus.OK, RuleStatus.FIRING]), seen, st.integers(0, 10**6))
def test_without_a_fresh_reading_nothing_opens_and_nothing_calms(
    state: RuleStatus, what: Observation, minutes: int
) -> None:
    at = RuleState(state, factories.NOW, 1)
    now = factories.NOW + timedelta(minutes=minutes)
    assert next_state(at, what, now=now, patience=PATIENCE, fresh=False) == at


def test_a_fact_fires_on_one_entry() -> None:
    at = RuleState(RuleStatus.OK, factories.NOW, 0)
    assert (
        next_state(at, Observation.BREACH, now=factories.NOW, patience=FACT, fresh=True).state
        is RuleStatus.FIRING
    )


def test_the_same_observations_always_end_the_same() -> None:
    def run() -> list[RuleStatus]:
        at, passed = RuleState(RuleStatus.OK, factories.NOW, 0), []
        for minute in range(0, 600, 5):
            what = list(Observation)[(minute // 35) % 3]
            now = factories.NOW + timedelta(minutes=minute)
            at = next_state(at, what, now=now, patience=PATIENCE, fresh=True)
            passed.append(at.state)
        return passed

    assert run() == run()
    assert set(run()) == set(RuleStatus)
