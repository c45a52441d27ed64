"""An audit: what an exchange answers, recomputed and held against files and charts of pages.

The auditor reads the exchange's raw JSON over HTTP and the product's CSV files and chart JSON. It
reads no table and shares no code with the product. What rests on forecasts is not audited here.

`python -m bench audit` audits the simulated exchange of the demo and a second one that was written
from the contract alone; `Audit` takes any two readers.
"""

import csv
import io
import json
import os
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from bench.shared.environment import SQLITE, run, stage
from bench.shared.figure import Figure
from dashboard.simulator.harness import Simulator

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ACCOUNT = "101"
HOURLY = "aggregation_interval=PT1H"
PROJECTS, GROUPS, HISTORY_DAYS = 4, 100, 14  # the demo's
Json = Any  # Any: JSON as the exchange sends it
Point = tuple[datetime, int]


def figures() -> Iterator[Figure]:
    """How many figures differ, of the demo's exchange and of the second one."""
    with Simulator(
        process=True, projects=PROJECTS, groups=GROUPS, history_days=HISTORY_DAYS, speed=0
    ) as simulator:
        yield _figure("audit_demo_differs", "pulled", f"{simulator.base_url}/v1")
    yield _figure("audit_second_exchange_differs", "pulled_of_second_exchange")


def _figure(name: str, function: str, *arguments: str) -> Figure:
    with stage(SQLITE) as given:
        run("bench.load.working_day:prepare", given)
        compared, differs = run(f"bench.pages.audit:{function}", given, *arguments)
    note = f"{compared:,} figures compared: differs {len(differs)}"
    if differs:
        note += "; " + "; ".join(differs[:10])
    return Figure(name, len(differs), "<=0", not differs, note)


def pulled_of_second_exchange() -> tuple[int, list[str]]:
    """Pull and audit the exchange that was written from the contract alone."""
    from tests.fakes.second_exchange import SecondExchange, serving  # noqa: PLC0415

    with serving(SecondExchange()) as exchange:
        return pulled(exchange.url)


def pulled(base_url: str) -> tuple[int, list[str]]:
    """Pull an exchange into empty tables, and audit the pages with Django's test client."""
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    from tests import factories  # noqa: PLC0415

    settings.ALLOWED_HOSTS = ["testserver"]
    never = {"health": "new", "read_at": None, "first_pull_completed_at": None}
    account = factories.account(
        name="audited", base_url=base_url, exchange_id=ACCOUNT, requests_per_minute=0, **never
    )
    try:
        call_command("pull", account.name)
    except SystemExit as ended:
        if ended.code:
            raise RuntimeError(f"the pull of {base_url} ended with {ended.code}") from None
    client = Client()
    client.force_login(factories.person("viewer", account, time_zone="UTC"))
    audit = Audit(read_over_http(base_url), lambda address: body_of(client.get(address)))
    audit.run()
    return audit.compared, audit.differs


def read_over_http(base_url: str) -> Callable[[str], Json]:
    """Return a reader of an exchange's JSON."""

    def read(path: str) -> Json:
        request = urllib.request.Request(  # noqa: S310
            base_url + path,
            headers={"Authorization": "key", "Cint-API-Version": "2025-12-18"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.loads(answer.read())

    return read


def body_of(response: Any) -> bytes:
    """Return the body of a page or of a streamed file; Any: Django has two kinds."""
    if response.status_code != 200:
        raise RuntimeError(f"{response.request['PATH_INFO']} answered {response.status_code}")
    streamed = getattr(response, "streaming_content", None)
    return b"".join(streamed) if streamed is not None else bytes(response.content)


@dataclass
class Answers:
    """What the exchange answers of one group."""

    row: Json
    overview: Json
    details: Json
    runs: list[Json]
    points: list[Point]

    @property
    def progress(self) -> Json:
        """Return the counts of its row in the list."""
        return self.row["statistics"]["progress"]["value"]

    @property
    def completes(self) -> int:
        """Return its completes."""
        return int(self.progress["current_completes"])

    @property
    def goal(self) -> int | None:
        """Return the completes at which it is full."""
        limit, asked = int(self.progress["filling_goal"]), self.details.get("completes_goal")
        if self.progress["filling_strategy"] != "prescreens":
            return limit or asked
        if asked and int(asked) != limit:
            return int(asked)
        seen = int(self.progress["current_prescreens"])
        bid = self.details.get("expected_incidence_rate")
        weight = 0 if bid is None else 50
        if not limit or seen + weight < 50:
            return None
        share = (self.completes + weight * (bid or 0)) / (seen + weight)
        return max(self.completes + round(max(limit - seen, 0) * share), 1)

    @property
    def cost(self) -> Decimal:
        """Return its cost to date; a draft has none."""
        return _amount(self.overview["current_cost"]) if self.overview else Decimal(0)

    @property
    def currency(self) -> str:
        """Return the currency of its cost."""
        return str(self.overview["current_cost"]["currency_code"]) if self.overview else ""

    @property
    def in_plan(self) -> bool:
        """Return whether it counts in the sums of its project."""
        return self.row["status"] not in ("draft", "archived")

    @property
    def ended(self) -> datetime | None:
        """Return its end date if that is past or it is completed."""
        end = _moment(self.runs[-1]["end_fielding_at"]) if self.runs else None
        is_over = self.row["status"] == "completed" or (end and end <= datetime.now(UTC))
        return end or datetime.now(UTC) if is_over else None


def _amount(money: Json) -> Decimal:
    return Decimal(str(money["value"]))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@dataclass
class Audit:
    """Compares every figure that follows from answers alone; `differs` names those that differ."""

    exchange: Callable[[str], Json]
    page: Callable[[str], bytes]
    compared: int = 0
    differs: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Read both sides and compare them."""
        projects = {row["id"]: row for row in self._pages("/projects", "projects")}
        groups = {project: self._groups(project) for project in projects}
        listed = {row["Exchange ID"]: row for row in self._file("/projects/export.csv")}
        self._same("projects", sorted(listed), sorted(projects))
        for project, answers in groups.items():
            address = self._project_address(projects[project]["name"])
            self._check_project(listed[project], answers)
            self._check_groups(address, answers)
            self._check_chart(address, answers)
        self._check_spend(groups)

    # Reading

    def _pages(self, path: str, member: str) -> Iterator[Json]:
        base = f"/demand/accounts/{ACCOUNT}{path}?page_size=100"
        address = base
        while True:
            answer = self.exchange(address)
            yield from answer[member]
            if not answer["has_more"]:
                return
            address = f"{base}&start_after={answer['next_cursor']}"

    def _groups(self, project: str) -> dict[str, Answers]:
        found = {}
        for row in self._pages(f"/projects/{project}/target-groups", "target_groups"):
            if row["status"] == "draft":
                found[row["id"]] = Answers(row, {}, {}, [], [])
                continue
            one = f"/demand/accounts/{ACCOUNT}/projects/{project}/target-groups/{row['id']}"
            series = self.exchange(f"{one}/completes-aggregated-by-interval?{HOURLY}")
            points = [
                (_moment(point["timestamp"]), int(point["count"]))
                for point in series["aggregated_completes_intervals"]
            ]
            found[row["id"]] = Answers(
                row,
                self.exchange(f"{one}/overview"),
                self.exchange(f"{one}/details"),
                self.exchange(f"{one}/fielding-runs")["data"],
                sorted(points),
            )
        return found

    def _file(self, address: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.page(address).decode("utf-8-sig"))))

    def _traces(self, address: str) -> list[Json]:
        traces: list[Json] = json.loads(self.page(address))["data"]
        return traces

    def _project_address(self, name: str) -> str:
        """Return the address of a project's page, by its link in the list."""
        return self._link("/projects/", "/projects/{}/", name)

    def _link(self, page: str, pattern: str, name: str) -> str:
        before, _, rest = pattern.partition("{}")
        html = self.page(page).decode()
        for part in html.split(f'href="{before}')[1:]:
            key, _, text = part.partition('"')
            if key.endswith(rest) and f">{_escaped(name)}<" in text.partition("</a>")[0]:
                return before + key
        raise LookupError(name)

    # Comparing

    def _same(self, what: str, seen: object, wanted: object) -> None:
        self.compared += 1
        if seen != wanted:
            self.differs.append(f"{what}: {seen} instead of {wanted}")

    def _check_project(self, row: dict[str, str], groups: dict[str, Answers]) -> None:
        name, plan = row["Project"], [one for one in groups.values() if one.in_plan]
        self._same(f"{name} groups", int(row["Groups"]), len(groups))
        live = sum(one.row["status"] == "live" for one in groups.values())
        self._same(f"{name} live groups", int(row["Live groups"]), live)
        self._same(f"{name} completes", int(row["Completes"]), sum(g.completes for g in plan))
        self._same(f"{name} goal", int(row["Goal"]), sum(g.goal or 0 for g in plan))
        for currency, cost in _spent(groups.values()).items():
            seen = Decimal(row.get(f"Spend ({currency})") or 0)
            self._same(f"{name} spend {currency}", seen, cost)

    def _check_groups(self, address: str, groups: dict[str, Answers]) -> None:
        columns = "?cols=progress.short.cpi.spend.status.end.age"
        listed = {row["Exchange ID"]: row for row in self._file(f"{address}export.csv{columns}")}
        self._same(f"{address} groups", sorted(listed), sorted(groups))
        html = self.page(f"{address}?cols=progress").decode()
        for ulid, answers in groups.items():
            row, name = listed[ulid], answers.row["name"]
            if answers.row["status"] == "draft":
                continue
            self._same(f"{name} completes", int(row["Completes"] or 0), answers.completes)
            goal = "" if answers.goal is None else str(answers.goal)
            self._same(f"{name} goal", row["Goal (completes)"], goal)
            self._same(f"{name} spend", Decimal(row["Spend"] or 0), answers.cost)
            self._same(
                f"{name} CPI",
                Decimal(row["CPI"] or 0),
                _amount(answers.overview["current_cost_per_interview"]),
            )
            if answers.runs:
                end = f"{_moment(answers.runs[-1]['end_fielding_at']):%Y-%m-%d %H:%M:%S}"
                self._same(f"{name} end date", row["End date (UTC)"], end)
            if answers.ended and answers.in_plan and answers.goal is not None:
                short = str(max(answers.goal - answers.completes, 0))
                self._same(f"{name} shortfall", row["Projected shortfall (completes)"], short)
            if answers.points:
                self._check_series(_group_address(html, row["ID"]), answers)

    def _check_series(self, address: str, answers: Answers) -> None:
        """Compare a group's charts: its line, its hours and its days."""
        name, last = answers.row["name"], answers.points[-1][1]
        line = next(t for t in self._traces(f"{address}chart.json") if t["name"] == "Completes")
        self._same(f"{name} line", line["y"][-1], last)
        known = [count for count in line["y"] if count is not None]
        on_the_hour = not any(at.minute for at, _ in answers.points)
        if on_the_hour:
            counts = [count for _, count in answers.points]
            self._same(f"{name} counts", known[-len(counts) :], counts)
        zone = _zone_of_country(answers.row["locale"][-2:].upper())
        for step in ("hour", "day"):
            (bars,) = self._traces(f"{address}chart.json?per={step}")
            self._same(f"{name} sum per {step}", sum(bars["y"]), last)
            if step == "day" and zone and on_the_hour:
                seen = {x[:10]: y for x, y in zip(bars["x"], bars["y"], strict=True)}
                for day, gained in _completes_by_day(zone, answers.points).items():
                    differs = abs(seen.get(f"{day}", 0) - gained)
                    self._same(f"{name} on {day}", differs <= 1, True)

    def _check_chart(self, address: str, groups: dict[str, Answers]) -> None:
        plan = [answers for answers in groups.values() if answers.in_plan]
        traces = self._traces(f"{address}chart.json?per=group")
        done = sum(trace["y"][-1] for trace in traces if trace.get("stackgroup"))
        self._same(f"{address} chart", done, sum(one.completes for one in plan))
        whole = [t for t in self._traces(f"{address}chart.json") if t["name"] == "Completes"]
        self._same(f"{address} chart of the sum", sum(trace["y"][-1] for trace in whole), done)
        target = next((trace for trace in traces if trace["name"] == "Target"), None)
        dated = [one for one in plan if one.runs]
        if target:
            self._same(f"{address} target", target["y"][-1], sum(one.goal or 0 for one in dated))

    def _check_spend(self, groups: dict[str, dict[str, Answers]]) -> None:
        everything = [one for of_project in groups.values() for one in of_project.values()]
        done = sum(one.completes for one in everything if one.cost)
        for address in ("/spend/export.csv?month=all&by=month", "/spend/export.csv?month=all"):
            rows = self._file(address)
            self._same(f"{address} completes", sum(int(row["Completes"]) for row in rows), done)
            for currency, cost in _spent(everything).items():
                spend = [Decimal(row["Spend"]) for row in rows if row["Currency"] == currency]
                self._same(f"{address} {currency}", sum(spend, Decimal(0)), cost)


def _spent(groups: Any) -> dict[str, Decimal]:
    """Return the cost to date by currency; Any: any iterable of Answers."""
    costs: dict[str, Decimal] = {}
    for answers in groups:
        if not answers.cost:
            continue
        costs[answers.currency] = costs.get(answers.currency, Decimal(0)) + answers.cost
    return costs


def _group_address(html: str, human_readable_id: str) -> str:
    """Return the address of a group's page, by the row of a table that has its id."""
    before = html.partition(f'<span class="sub">{human_readable_id}<')[0]
    return "/groups/" + before.rpartition('href="/groups/')[2].partition('"')[0]


def _escaped(text: str) -> str:
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("'", "&#x27;")):
        text = text.replace(sign, entity)
    return text


@cache
def _zone_of_country(code: str) -> ZoneInfo | None:
    """Return the time zone of a country that has only one; None for any other."""
    table = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text()
    rows = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
    names = [row[2] for row in rows if row[0] == code]
    return ZoneInfo(names[0]) if len(names) == 1 else None


def _completes_by_day(zone: ZoneInfo, points: list[Point]) -> dict[date, float]:
    """Return what came on each day: between its midnights, straight between counts."""
    known = [(points[0][0] - HOUR, 0), *points]
    day, days = known[0][0].astimezone(zone).date(), {}
    while (begins := _midnight(day, zone)) < known[-1][0]:
        days[day] = _count_at(_midnight(day + DAY, zone), known) - _count_at(begins, known)
        day += DAY
    return days


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _count_at(moment: datetime, known: list[Point]) -> float:
    if moment <= known[0][0]:
        return 0
    for (before, low), (after, high) in pairwise(known):
        if before <= moment <= after:
            return low + (high - low) * ((moment - before) / (after - before))
    return known[-1][1]


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    for figure in figures():
        print(figure.note)
