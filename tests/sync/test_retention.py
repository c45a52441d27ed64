"""Readings get sparser with age, and nothing that somebody still needs goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from dashboard.fielding import audit
from dashboard.fielding.models import (
    AccessToken,
    AuditCutoff,
    AuditEvent,
    AuditKind,
    Cycle,
    Mail,
    Quarantine,
    Reading,
    SharedStatus,
    TargetGroup,
    ThinningProgress,
)
from dashboard.sync import retention
from tests import factories

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def group() -> TargetGroup:
    return factories.group(factories.project(factories.account()))


def read(group: TargetGroup, *at: datetime) -> None:
    """A reading at each moment, the count of completes growing."""
    for number, moment in enumerate(at):
        Reading.objects.create(group=group, at=moment, status="live", completes=number)


def remaining(group: TargetGroup) -> list[str]:
    return [f"{at:%d %H:%M}" for at in group.readings.order_by("at").values_list("at", flat=True)]


def days_ago(days: float, **clock: int) -> datetime:
    return (factories.NOW - days * DAY).replace(minute=0) + timedelta(**clock)


def test_young_readings_all_stay(group: TargetGroup) -> None:
    read(group, *(days_ago(13, minutes=minute) for minute in (1, 2, 3)))
    retention.delete_old_rows(now=factories.NOW)
    assert group.readings.count() == 3


def test_of_each_hour_the_last_reading_stays(group: TargetGroup) -> None:
    moments = [days_ago(20, minutes=minute) for minute in (0, 5, 59, 60, 61, 125)]
    read(group, *moments)
    retention.delete_old_rows(now=factories.NOW)
    assert remaining(group) == ["31 12:59", "31 13:01", "31 14:05"]


def test_after_ninety_days_of_each_utc_day_the_last_stays(group: TargetGroup) -> None:
    read(group, *(days_ago(100, hours=hour) for hour in (0, 3, 11, 12, 20)))
    retention.delete_old_rows(now=factories.NOW)
    assert remaining(group) == ["12 23:00", "13 08:00"]


def test_a_groups_only_reading_stays_however_old(group: TargetGroup) -> None:
    read(group, days_ago(400))
    retention.delete_old_rows(now=factories.NOW)
    assert group.readings.count() == 1


def test_groups_do_not_thin_one_another(group: TargetGroup) -> None:
    other = factories.group(group.project)
    read(group, days_ago(20))
    read(other, days_ago(20, minutes=1))
    retention.delete_old_rows(now=factories.NOW)
    assert Reading.objects.count() == 2


def test_twice_is_as_once_and_an_hour_later_goes_on(group: TargetGroup) -> None:
    read(group, *(days_ago(14, minutes=minute) for minute in range(-90, 60, 10)))
    retention.delete_old_rows(now=factories.NOW)
    once = remaining(group)
    retention.delete_old_rows(now=factories.NOW)
    assert remaining(group) == once
    retention.delete_old_rows(now=factories.NOW + timedelta(hours=2))
    assert remaining(group) == ["06 10:50", "06 11:50", "06 12:50"]


def test_chunks_do_not_part_an_hour(group: TargetGroup) -> None:
    read(group, *(days_ago(20, minutes=minute) for minute in range(0, 240, 10)))
    retention.delete_old_rows(now=factories.NOW, chunk=7)
    assert remaining(group) == ["31 12:50", "31 13:50", "31 14:50", "31 15:50"]


def test_when_there_is_nothing_to_do_it_asks_little(
    group: TargetGroup, django_assert_max_num_queries: object
) -> None:
    read(group, days_ago(1))
    retention.delete_old_rows(now=factories.NOW)
    with django_assert_max_num_queries(15):  # type: ignore[operator]
        retention.delete_old_rows(now=factories.NOW)


def test_old_rounds_end_but_the_last_whole_one_of_an_account_stays(group: TargetGroup) -> None:
    rounds = [
        factories.cycle(group.project, at=factories.NOW - days * DAY) for days in (40, 30, 20)
    ]
    retention.delete_old_rows(now=factories.NOW)
    assert list(Cycle.objects.all()) == [rounds[-1]]


def test_what_was_set_aside_a_month_ago_and_never_since_is_forgotten(group: TargetGroup) -> None:
    for name, days in (("old", 31), ("new", 29)):
        at = factories.NOW - days * DAY
        Quarantine.objects.create(
            account=group.account,
            operation=name,
            reason="",
            raw="",
            first_seen_at=at,
            last_seen_at=at,
        )
    retention.delete_old_rows(now=factories.NOW)
    assert [item.operation for item in Quarantine.objects.all()] == ["new"]


def test_entries_of_the_audit_log_are_deleted_when_the_setting_says_so_and_only_then(
    settings: Settings,
) -> None:
    now = factories.NOW
    for days in (400, 366, 364, 0):
        at = now - days * DAY
        audit.record(kind=AuditKind.MUTED, origin=audit.SYSTEM, now=at, target=f"{days} days")

    def log() -> list[tuple[str, str]]:
        return list(AuditEvent.objects.order_by("pk").values_list("kind", "target"))

    everything = log()
    retention.delete_old_rows(now=now)
    assert log() == everything
    settings.AUDIT_DAYS = 365
    retention.delete_old_rows(now=now)
    kept = [("muted", "364 days"), ("muted", "0 days")]
    assert log() == [*kept, ("entries-deleted", "")]
    assert AuditEvent.objects.latest("pk").details == {"count": 2, "before": "2025-11-20 12:00 UTC"}
    retention.delete_old_rows(now=now)
    assert log() == [*kept, ("entries-deleted", "")]
    assert not AuditCutoff.objects.exists()
    for statement in ("DELETE FROM fielding_auditevent", "UPDATE fielding_auditevent SET at = at"):
        with (
            pytest.raises(DatabaseError, match="never changed or deleted"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            AuditCutoff.objects.create(before=now - DAY)  # rows of today stay
            cursor.execute(statement)


def test_ended_sessions_go_with_their_addresses_and_live_ones_stay() -> None:
    now, anna = factories.NOW, factories.person()
    for key, ends in (("ended", now - DAY), ("live", now + DAY)):
        Session.objects.create(session_key=key, session_data="", expire_date=ends)
        UserSession.objects.create(user=anna, session_key=key, ip="10.0.0.7", user_agent="x")
    UserSession.objects.update(last_seen_at=now - DAY)
    retention.delete_old_rows(now=now)
    assert [row.session_key for row in Session.objects.all()] == ["live"]
    assert [row.session_key for row in UserSession.objects.all()] == ["live"]


def test_counters_of_wrong_passwords_go_when_they_have_expired() -> None:
    cache.set("try:expired", (3, 0.0), 900)
    cache.set("try:counts", (3, 0.0), 3 * 3600)
    retention.delete_old_rows(now=timezone.now() + timedelta(hours=1))
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM fielding_cache WHERE cache_key LIKE '%try:%'")
        assert [key.rpartition(":")[2] for (key,) in cursor.fetchall()] == ["counts"]


def test_texts_of_old_mails_go_and_the_record_stays(settings: Settings) -> None:
    account = factories.account()
    anna = factories.person("viewer", account)
    for name, days, state in (
        ("old", 401, Mail.State.SENT),
        ("unsent", 401, Mail.State.WAITING),
        ("young", 399, Mail.State.SENT),
    ):
        Mail.objects.create(
            account=account,
            recipient=anna,
            address=anna.email,
            message_id=f"<{name}>",
            subject=name,
            text="text",
            html="<p>",
            state=state,
            created_at=days_ago(days),
            next_try_at=days_ago(days),
        )
    settings.MAIL_DAYS = 0
    retention.delete_old_rows(now=factories.NOW)
    assert Mail.objects.filter(text="text").count() == 3
    settings.MAIL_DAYS = 400
    retention.delete_old_rows(now=factories.NOW)
    kept = set(Mail.objects.filter(text="text", html="<p>").values_list("subject", flat=True))
    assert kept == {"unsent", "young"}
    assert Mail.objects.get(subject="old").state == Mail.State.SENT


def test_tokens_go_long_after_they_stopped_working(group: TargetGroup) -> None:
    anna, long_ago = factories.person(), days_ago(91)
    for name, fields in (
        ("works", {}),
        ("revoked lately", {"revoked_at": days_ago(89)}),
        ("revoked", {"revoked_at": long_ago}),
        ("expired", {"expires_at": long_ago}),
        ("for good", {"expires_at": None}),
    ):
        factories.access_token(anna, f"fw_{name}", name=name, **fields)
    retention.delete_old_rows(now=factories.NOW)
    names = set(AccessToken.objects.values_list("name", flat=True))
    assert names == {"works", "revoked lately", "for good"}


@pytest.mark.parametrize(("grain", "superseded"), [("hour", [1, 3, 2]), ("day", [1, 3, 2, 4])])
def test_a_reading_with_a_later_one_in_its_hour_or_day_is_superseded(
    grain: str, superseded: list[int]
) -> None:
    start = datetime(2026, 3, 1, 10, tzinfo=UTC)
    moments = [(1, 7, 0), (4, 7, 59), (2, 7, 59), (3, 7, 5), (5, 7, 120), (6, 8, 0), (7, 8, 1440)]
    rows = [
        retention.ReadingRow(pk, of, start + timedelta(minutes=minutes))
        for pk, of, minutes in moments
    ]
    assert retention.superseded_readings(rows, grain) == superseded


def test_a_part_of_readings_is_thinned_at_a_time_and_the_next_call_goes_on(
    group: TargetGroup,
) -> None:
    read(group, *(days_ago(20, minutes=minute) for minute in range(0, 180, 20)))
    older_than = days_ago(20, minutes=180)
    calls = 0
    while retention.thin_readings("hour", older_than=older_than, chunk=4):
        calls += 1
    assert (calls, remaining(group)) == (3, ["31 12:40", "31 13:40", "31 14:40"])
    assert ThinningProgress.objects.get().reading_id == Reading.objects.latest("pk").pk


@pytest.mark.parametrize(("minutes", "left"), [(60, ["31 12:40"]), (40, ["31 12:20", "31 12:40"])])
def test_a_reading_is_old_before_the_moment_and_not_at_it(
    group: TargetGroup, minutes: int, left: list[str]
) -> None:
    read(group, *(days_ago(20, minutes=minute) for minute in (0, 20, 40)))
    older_than = days_ago(20, minutes=minutes)
    assert retention.thin_readings("hour", older_than=older_than, chunk=9)
    assert not retention.thin_readings("hour", older_than=older_than, chunk=9)
    assert remaining(group) == left


def test_an_hour_with_more_readings_than_a_part_is_thinned_all_the_same(
    group: TargetGroup,
) -> None:
    read(group, *(days_ago(20, minutes=minute) for minute in range(8)))
    retention.delete_old_rows(now=factories.NOW, chunk=3)
    assert remaining(group)[-1] == "31 12:07"
    assert not retention.thin_readings("hour", older_than=days_ago(14), chunk=3)


def test_old_cycles_go_after_a_fortnight_but_the_last_of_each_account_and_of_its_projects(
    group: TargetGroup,
) -> None:
    def at(days: float, *, listed: bool = True, lists: bool = False) -> Cycle:
        cycle = factories.cycle(group.project, at=factories.NOW - days * DAY, listed=listed)
        if lists:
            Cycle.objects.filter(pk=cycle.pk).update(project=None)
        return cycle

    at(30)
    at(29, lists=True)
    kept = [at(28), at(27, lists=True)]
    at(26, listed=False)
    at(25, listed=False, lists=True)
    at(14.001, listed=False)
    kept.append(at(14, listed=False))
    other = factories.project(factories.account())
    kept.append(factories.cycle(other, at=factories.NOW - 40 * DAY))
    retention.delete_old_rows(now=factories.NOW)
    assert set(Cycle.objects.all()) == set(kept)


def test_shared_selections_go_three_months_after_their_last_link_expired(
    group: TargetGroup,
) -> None:
    anna, now = factories.person(), factories.NOW

    def share(name: str, *, ends: float | None, created: float = 100, **of: object) -> SharedStatus:
        groups = [] if of else [group]
        shared = factories.shared_status(
            group.project, groups=groups, created_at=now - created * DAY
        )
        if ends is not None:
            factories.status_link(shared, anna, token=name, expires_at=now - ends * DAY)
        return shared

    share("long expired", ends=91)
    share("never shared", ends=None)
    kept = [
        share("expired lately", ends=89),
        share("young", ends=None, created=89),
        share("a project's", ends=91, project=True),
    ]
    sent = share("sent", ends=91)
    factories.status_address(sent, anna)
    retention.delete_old_rows(now=now)
    assert set(SharedStatus.objects.all()) == {*kept, sent}


@pytest.mark.parametrize(("minutes", "left"), [(59, 1), (60, 1), (61, 0)])
def test_an_address_of_a_session_that_has_just_begun_stays_an_hour(minutes: int, left: int) -> None:
    now, anna = factories.NOW, factories.person()
    UserSession.objects.create(user=anna, session_key="new", ip="10.0.0.7", user_agent="x")
    UserSession.objects.update(last_seen_at=now - timedelta(minutes=minutes))
    retention.delete_old_rows(now=now)
    assert UserSession.objects.count() == left


def test_a_month_a_quarter_and_the_time_of_readings_are_kept_to_the_moment(
    group: TargetGroup,
) -> None:
    now, second = factories.NOW, timedelta(seconds=1)
    anna = factories.person()
    for name, more in (("old", second), ("kept", timedelta())):
        at = now - 30 * DAY - more
        Quarantine.objects.create(
            account=group.account,
            operation=name,
            reason="",
            raw="",
            first_seen_at=at,
            last_seen_at=at,
        )
        end = now - 90 * DAY - more
        factories.access_token(anna, f"fw_r{name}", name=f"revoked {name}", revoked_at=end)
        factories.access_token(anna, f"fw_e{name}", name=f"expired {name}", expires_at=end)
    retention.delete_old_rows(now=now)
    assert [item.operation for item in Quarantine.objects.all()] == ["kept"]
    names = set(AccessToken.objects.values_list("name", flat=True))
    assert names == {"revoked kept", "expired kept"}
