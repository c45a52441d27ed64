"""To do with 10,000 groups in 100 projects ÷ with 1,000 groups in 10 projects, in one run.

Both accounts have as many items, two dozen. Before each look one of ten projects changed, as
polling changes them. CPU of the request in the server; the number of queries is compared as well.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random

from bench.shared.environment import SQLITE, run, stage
from bench.shared.figure import Figure

FEW, MANY, A_PROJECT, ITEMS = 10, 100, 100, 24
GOAL = 1.5


def figures() -> Iterator[Figure]:
    """The ratio of CPU, and the difference in queries."""
    with stage(SQLITE) as given:
        ours, reference, more_queries = run("bench.pages.many_groups:measure", given)
    ratio = ours / reference
    note = f"{ours:.1f} ms of CPU, with 1,000 groups {reference:.1f} ms"
    yield Figure("todo_10k_vs_1k_groups", ratio, f"<={GOAL}", ratio <= GOAL, note)
    yield Figure("todo_10k_more_queries", more_queries, "<=0", more_queries <= 0, "than with 1,000")


def measure() -> tuple[float, float, int]:
    """CPU milliseconds of a look at the large and at the small account, and queries more."""
    from django.core.management import call_command  # noqa: PLC0415 - after the set-up
    from django.db import connection  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    from bench.pages.measured_process import Site, ratio  # noqa: PLC0415

    call_command("collectstatic", verbosity=0, interactive=False)
    looks, queries = list[Callable[[], object]](), list[int]()
    for number, projects in enumerate((MANY, FEW)):
        site = Site(_fill(number, projects))
        looks.append(_look(site.get, number))
        looks[-1]()
        with CaptureQueriesContext(connection) as captured:
            site.get("/?scope=all")
        queries.append(len(captured))
    many, few = looks
    found = ratio(many, few)
    return found["ours"], found["reference"], queries[0] - queries[1]


def _look(get: Callable[[str], tuple[int, object, bytes]], account: int) -> Callable[[], object]:
    """Return a look at the list after one of ten projects changed."""
    from django.db.models import F  # noqa: PLC0415

    from dashboard.fielding.models import Project  # noqa: PLC0415

    turn = iter(range(10**6))

    def look() -> None:
        projects = Project.objects.filter(account__name=f"bench {account}")
        changed = projects.values_list("pk", flat=True)[next(turn) % 10 :: 10]
        Project.objects.filter(pk__in=list(changed)).update(version=F("version") + 1)
        status, _, page = get("/?scope=all")
        assert status == 200, status
        assert page.count(b"data-line=") > ITEMS

    return look


def _fill(number: int, projects: int) -> str:
    """Store an account with so many projects and a person; return the session of the person."""
    from bench.pages import fixtures  # noqa: PLC0415
    from dashboard.fielding.models import Item, Project, TargetGroup  # noqa: PLC0415

    draw, now = Random(number), datetime.now(UTC)  # noqa: S311
    account = fixtures.account_named(f"bench {number}", str(101 + number), now)
    rows = [
        Project(account=account, exchange_id=f"p{number}-{n}", name=f"Tracker {n}", read_at=now)
        for n in range(projects)
    ]
    groups = [
        fixtures.group_of(project, n, draw, now)
        for project in Project.objects.bulk_create(rows)
        for n in range(A_PROJECT)
    ]
    TargetGroup.objects.bulk_create(groups, batch_size=500)
    Item.objects.bulk_create(
        Item(
            account=account,
            project=group.project,
            target_group=group,
            remedy="raise_cpi",
            key=f"{account.pk}:{group.pk}",
            sentence="Projected 40 short of 200.",
            value=40.0,
            opened_at=now,
            changed_at=now,
        )
        for group in draw.sample(groups, ITEMS)
    )
    return fixtures.session(fixtures.person(account, 1000 + number))
