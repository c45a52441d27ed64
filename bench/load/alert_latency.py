"""From the commit of an alert to the mail server's answer, with two real workers and one beat.

Two thousand live groups in twenty projects, each with a person of its own. In each project people
begin to leave one group (1 % of all), and soon after another: the first mail of a window, and the
one that has to wait for the next.
"""

import time
from collections.abc import Sequence

from bench.shared.canned_exchange import canned
from bench.shared.environment import SQLITE, run, stage
from bench.shared.figure import Figure
from bench.shared.mail_server import listening
from bench.shared.processes import worker

PROJECTS = 20
FIRST, LATER = 7, 57  # places of groups in their projects
WARM, BETWEEN, LONGEST = 60.0, 150.0, 420.0  # seconds
GOALS = {"first": 120.0, "later": 330.0}  # seconds


def figures() -> list[Figure]:
    """The time under which 95 % of the mails were taken."""
    with canned() as exchange, listening() as server:
        post = {
            "EMAIL_URL": f"smtp://127.0.0.1:{server.port}",
            "FIELDWATCH_URL": "http://127.0.0.1",
        }
        with stage(SQLITE, **post) as given:
            run("bench.load.alert_latency:fill", given, exchange.base_url)
            exchange.keep_moving(share=2)
            schedule = f"{given['FIELDWATCH_HOME']}/beat"
            with (
                worker(given, "--beat", "--schedule", schedule),
                worker(given),
            ):
                time.sleep(WARM)
                exchange.leave(place=FIRST)
                time.sleep(BETWEEN)
                exchange.leave(place=LATER)
                time.sleep(LONGEST)
                fired = run("bench.load.alert_latency:fired", given)
    return [_figure(name, fired[name], server.at) for name in GOALS]


def _figure(name: str, told: Sequence[tuple[str, float]], at: dict[str, float]) -> Figure:
    waits = sorted(at[mail] - since if mail in at else float("inf") for mail, since in told)
    p95 = waits[int(len(waits) * 0.95)] if len(waits) > 1 else float("inf")
    goal, note = GOALS[name], f"{len(waits)} mails, the middle one {waits[len(waits) // 2]:.0f} s"
    return Figure(f"alert_{name}_mail_p95_seconds", p95, f"<={goal:.0f}", p95 <= goal, note)


def fill(base_url: str) -> None:
    """The groups as they were just now, a person a project, and a rule that tells at once."""
    from django.utils import timezone  # noqa: PLC0415

    from bench.shared.seed_tables import fill as tables  # noqa: PLC0415
    from dashboard.alerts.rules import settings  # noqa: PLC0415
    from dashboard.fielding.models import (  # noqa: PLC0415
        ExchangeAccount,
        MailPreferences,
        Membership,
        Project,
        User,
    )

    tables(base_url, PROJECTS, timezone.now().isoformat())
    ExchangeAccount.objects.update(poll_seconds=30)
    account = ExchangeAccount.objects.get()
    for number, project in enumerate(Project.objects.order_by("pk")):
        Project.objects.filter(pk=project.pk).update(project_manager_id=f"pm-{number}")
        user = User.objects.create_user(f"pm-{number}", email=f"pm-{number}@example.com")
        role = {"role": "editor", "exchange_user_id": f"pm-{number}"}
        Membership.objects.create(user=user, account=account, **role)
        MailPreferences.objects.create(user=user, digest=False)
    settings.save_rule(
        account=account,
        code="drop_off",
        settings={"for_minutes": 0, "severity": 1},
        enabled=True,
        by=User.objects.all()[0],
        now=timezone.now(),
    )


def fired() -> dict[str, list[tuple[str, float]]]:
    """The mail of each alert and when it fired: those of the first group, those of the other."""
    from dashboard.fielding.models import Notice  # noqa: PLC0415

    told: dict[str, list[tuple[str, float]]] = {name: [] for name in GOALS}
    rows = Notice.objects.filter(kind="fire", incident__rule="drop_off")
    for notice in rows.select_related("incident__group", "mail"):
        incident = notice.incident
        assert incident.group
        assert incident.fired_at
        place = int(incident.group.exchange_id[3:]) % 100
        name = "first" if place == FIRST else "later"
        mail = notice.mail.message_id if notice.mail else ""
        told[name].append((mail, incident.fired_at.timestamp()))
    return told
