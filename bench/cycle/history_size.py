"""What a point of completes history takes in PostgreSQL, its indexes and its dead rows included."""

from datetime import date, timedelta

from bench.shared.environment import POSTGRESQL, missing, run, stage
from bench.shared.figure import Figure, skipped

NAME, GOAL, MOST = "history_bytes_per_point", "<=24", 24.0
GROUPS, DAYS, A_DAY = 5_000, 14, 4  # times that a day is written anew while it grows


def figures() -> list[Figure]:
    """The one figure."""
    if reason := missing(POSTGRESQL):
        return [skipped(NAME, GOAL, reason)]
    with stage(POSTGRESQL) as given:
        taken = run("bench.cycle.history_size:fill", given)
    value = taken / (GROUPS * DAYS * 24)
    return [Figure(NAME, value, GOAL, value <= MOST, f"{taken / 1e6:.0f} MB, {GROUPS:,} groups")]


def fill() -> int:
    """Two weeks of hours, written day by day as they grow; the bytes of the table."""
    from django.db import connection  # noqa: PLC0415

    from dashboard.fielding.models import CompletesDay, TargetGroup  # noqa: PLC0415

    _groups()
    keys = list(TargetGroup.objects.values_list("pk", flat=True))
    with connection.cursor() as cursor:
        for number in range(DAYS):
            for part in range(1, A_DAY + 1):
                CompletesDay.objects.bulk_create(
                    (_day(pk, number, 24 * part // A_DAY) for pk in keys),
                    batch_size=1000,
                    update_conflicts=True,
                    unique_fields=["group", "day"],
                    update_fields=["hours", "odd"],
                )
            cursor.execute("VACUUM fielding_completesday")  # as autovacuum does by itself
        cursor.execute("SELECT pg_total_relation_size('fielding_completesday')")
        taken: int = cursor.fetchone()[0]
    return taken


def _groups() -> None:
    from dashboard.fielding.models import ExchangeAccount, Project, TargetGroup  # noqa: PLC0415

    account = ExchangeAccount.objects.create(name="bench", exchange_id="101", secret="key")
    project = Project.objects.create(account=account, exchange_id="p", name="p", status="active")
    TargetGroup.objects.bulk_create(
        TargetGroup(account=account, project=project, exchange_id=f"{n}", name="g", status="live")
        for n in range(GROUPS)
    )


def _day(pk: int, number: int, hours: int):
    """A day of a group so many hours into it, as the pull packs it."""
    from datetime import UTC, datetime  # noqa: PLC0415

    from dashboard.fielding.models import CompletesDay  # noqa: PLC0415
    from dashboard.fielding.series import completes  # noqa: PLC0415

    day = date(2026, 11, 1) + timedelta(days=number)
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    points = [(begin + timedelta(hours=h), number * 100 + h) for h in range(1, hours + 1)]
    return CompletesDay(group_id=pk, day=day, hours=completes.pack_days(points)[day].hours)
