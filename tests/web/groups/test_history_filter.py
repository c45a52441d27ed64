"""The history of a group, filtered by what a change is about."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.http import QueryDict
from django.test import Client

from dashboard.fielding.models import Change, ExchangeAccount, TargetGroup
from dashboard.web.edits.history import HistoryLine, edit_line, history_lines
from dashboard.web.groups.panels.history_filter import filter_history
from tests import factories
from tests.web.white_space import fold_white_space

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account(poll_seconds=300)


@pytest.fixture
def group(account: ExchangeAccount) -> TargetGroup:
    return factories.group(factories.project(account), name="Japan")


def changed(group: TargetGroup, kind: str, old: object, new: object, hours: int) -> Change:
    return Change.objects.create(
        account=group.account,
        group=group,
        batch_id=f"{kind}{hours}",
        occurred_at=factories.NOW - timedelta(hours=hours),
        seen_at=factories.NOW,
        kind=kind,
        old=old,
        new=new,
    )


def line(topic: str, new: str = "") -> HistoryLine:
    return HistoryLine(factories.NOW, "Ana", "What", "", new, "", "", "", topic=topic)


@pytest.mark.parametrize(
    ("kind", "topic"),
    [
        ("cpi_change", "cpi"),
        ("user_requested_cpi_change", "cpi"),
        ("status_change", "status"),
        ("filling_goal_change", "goals"),
        ("fielding_period_end_date_change", "goals"),
        ("live_url_change", "other"),
        ("something_new", "other"),
    ],
)
def test_each_change_is_about_something(group: TargetGroup, kind: str, topic: str) -> None:
    (found,) = history_lines([changed(group, kind, "a", "b", 1)], [], {})
    assert found.topic == topic


@pytest.mark.parametrize(
    ("kind", "topic"),
    [("cpi", "cpi"), ("status", "status"), ("dates", "goals"), ("re_entry", "other")],
)
def test_each_edit_is_about_something(group: TargetGroup, kind: str, topic: str) -> None:
    assert edit_line(factories.edit(group, kind=kind, before=None, wanted=None)).topic == topic


def test_the_address_selects_and_keeps_what_other_panels_show() -> None:
    lines = [line("cpi", "1"), line("status", "2"), line("cpi", "3")]
    shown = filter_history(lines, QueryDict("history=cpi&per=hour&trend=ir"))
    assert [one.new for one in shown.lines] == ["1", "3"]
    assert shown.choices == [
        ("", "?per=hour&trend=ir", "All", False),
        ("cpi", "?per=hour&trend=ir&history=cpi", "CPI", True),
        ("status", "?per=hour&trend=ir&history=status", "Status", False),
    ]


@pytest.mark.parametrize("query", ["", "history=", "history=goals", "history=<script>"])
def test_a_filter_without_changes_selects_all(query: str) -> None:
    shown = filter_history([line("cpi"), line("status")], QueryDict(query))
    assert len(shown.lines) == 2
    assert shown.choices[0][3] is True


def test_changes_of_one_thing_need_no_filter() -> None:
    assert filter_history([line("cpi"), line("cpi")], QueryDict("")).choices == []
    assert filter_history([], QueryDict("")) == ([], [])


def test_the_panel_offers_the_filters_and_shows_what_is_selected(
    client: Client, account: ExchangeAccount, group: TargetGroup
) -> None:
    changed(group, "cpi_change", "2.70", "3.10", 1)
    changed(group, "filling_goal_change", 100, 200, 2)
    client.force_login(factories.person("viewer", account))

    def panel(query: str) -> str:
        page = fold_white_space(client.get(f"/groups/{group.pk}/{query}").content.decode())
        return page.partition('id="history-panel"')[2].partition("</section>")[0]

    everything, goals = panel(""), panel("?history=goals")
    assert "3.10" in everything
    assert ">200<" in everything
    assert "3.10" not in goals
    assert ">200<" in goals
    for shown in (everything, goals):
        assert 'hx-target="#history-panel"' in shown
        assert "Goals and dates" in shown
        assert "Status" not in shown.partition("</header>")[0]
