"""A database of the first release is brought to this one with everything in it."""

from __future__ import annotations

from pathlib import Path

from tests.management.machine import Machine

FIRST = "0001_initial"
# The last one that renames: whoever knows its tables can go on writing while later ones are added.
LAST_RENAMING = "0042_names_of_the_trade"
CODE_OF = """
from datetime import UTC, datetime
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

then = datetime(2026, 11, 1, tzinfo=UTC)
loader = MigrationExecutor(connection).loader
apps = loader.project_state([("fielding", "MIGRATION")]).apps
get = lambda name: apps.get_model("fielding", name).objects
"""
FILL = f"""{CODE_OF.replace("MIGRATION", FIRST)}
account = get("ExchangeAccount").create(
    name="main", exchange_id="101", base_url="https://api.cint.com/v1", auth="api_key",
    secret="the-exchange-key",
)
user = get("User").create(username="dana", email="dana@example.com", password="x")
get("Membership").create(user=user, account=account, role="editor")
get("MailChoice").create(user=user, quiet_weekends=False, now=2)
eric = get("User").create(username="eric", email="eric@example.com", password="x")
get("MailChoice").create(user=eric)
project = get("Project").create(account=account, exchange_id="01P", name="Tracker")
group = get("TargetGroup").create(
    account=account, project=project, exchange_id="01G", name="Japan 25-54", status="live",
    cpi="2.735200", currency="USD", completes=212, completes_goal=400,
)
get("Edit").create(
    account=account, group=group, by=user, kind="cpi", token="t", state="confirmed",
    before={{"value": "2.10"}}, wanted={{"value": "2.73"}}, started_at=then,
)
"""
WRITE_ON = f"""{CODE_OF.replace("MIGRATION", LAST_RENAMING)}
account = get("ExchangeAccount").get()
for project in (get("Project").get(), get("Project").create(account=account, exchange_id="02P")):
    get("Cycle").create(account=account, project=project, started_at=then)
    group = get("TargetGroup").create(
        account=account, project=project, exchange_id=f"2{{project.pk}}"
    )
    get("Edit").create(
        account=account, group=group, kind="cpi", token=f"u{{project.pk}}",
        state="confirmed", wanted={{}}, started_at=then,
    )
get("User").create(username="eve", email="eve@example.com", password="x")
print("written")
"""
READ = """
from dashboard.fielding.models import Edit, MailPreferences, TargetGroup
group = TargetGroup.objects.select_related("project__account").get()
edit = Edit.objects.get()
secret = group.project.account.secret
print(group.name, group.cpi, group.completes, secret, edit.group_id == group.pk)
print(edit.by.memberships.get().role)
columns = ("now", "quiet_days", "quiet_critical", "about", "chosen_projects")
print(*MailPreferences.objects.order_by("user__username").values_list(*columns))
"""


def test_a_database_of_the_first_release_is_upgraded_without_loss(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "home")
    machine.run("migrate", "fielding", FIRST, "--verbosity", "0")
    machine.do(FILL)
    machine.run("migrate", "--verbosity", "0")
    assert machine.do(READ).splitlines() == [
        "Japan 25-54 2.735200 212 the-exchange-key True",
        "editor",
        "(2, '', False, 'everything', []) (1, '67', False, 'everything', [])",
    ]
    # Processes that know the tables of today go on writing while later releases only add.
    assert machine.do(WRITE_ON) == "written"
