"""What a person's emails are about: their groups, their projects, chosen projects, or everything.

The choice narrows what the recipient settings send to a person, and never widens it. Every choice
covers alerts about a whole connection, such as no data, which belong to no project, and those about
changes that are not confirmed, which go to their author.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import Count

from dashboard.alerts.mail.preferences import preferences_of
from dashboard.alerts.recipients.resolve import People, managers_of
from dashboard.alerts.rules.catalogue import EDIT_UNCONFIRMED
from dashboard.fielding.domain.scope import LISTED, OPEN_STATUSES
from dashboard.fielding.models import Incident, MailPreferences, Notice, TargetGroup, User

About = MailPreferences.About
NOT_CHOSEN = "outside what the recipient chose"


class OwnGroups(NamedTuple):
    """How many open groups are a person's at the moment."""

    groups: int
    projects: int  # groups of their projects, and their own elsewhere


class AboutFilter:
    """Which incidents the choices of people cover; loads an account's people at most once."""

    def __init__(self) -> None:
        self._people: dict[int, People] = {}

    def people_of(self, account_id: int) -> People:
        """Return the members of an account and its recipient settings."""
        if account_id not in self._people:
            self._people[account_id] = People(account_id)
        return self._people[account_id]

    def covers_incident(self, choice: MailPreferences, incident: Incident) -> bool:
        """Return whether the person's emails are about this incident."""
        is_for_all = incident.project_id is None or incident.rule == EDIT_UNCONFIRMED.code
        if choice.about == About.EVERYTHING or is_for_all:
            return True
        if choice.about == About.CHOSEN:
            return incident.project_id in choice.chosen_projects
        if incident.item is not None and incident.item.assigned_to_id == choice.user_id:
            return True
        group = managers_of(incident.group, incident.project)
        project = managers_of(None, incident.project)
        return self._is_own(choice, incident.account_id, group, project)

    def _is_own(
        self,
        choice: MailPreferences,
        account_id: int,
        group: Iterable[str],
        project: Iterable[str],
    ) -> bool:
        """Return whether a group is the person's, or of their project if they chose projects.

        group: the managers of the group, then of its project; project: those of the project.
        """
        people = self.people_of(account_id)
        if choice.user_id in people.owners_of(group):
            return True
        return choice.about == About.PROJECTS and choice.user_id in people.owners_of(project)

    def count_own_groups(self, user: User) -> OwnGroups:
        """Count the open groups that are a person's, and those of their projects."""
        managers = ("account_id", "project_manager_id", "project__project_manager_id")
        rows = TargetGroup.objects.visible_to(user).filter(LISTED, status__in=OPEN_STATUSES)
        counted = rows.values_list(*managers).order_by().annotate(groups=Count("pk"))
        own = dict.fromkeys((About.GROUPS, About.PROJECTS), 0)
        for account_id, of_group, of_project, groups in counted:
            for about in own:
                choice = MailPreferences(user=user, about=about)
                if self._is_own(choice, account_id, (of_group, of_project), (of_project,)):
                    own[about] += groups
        return OwnGroups(own[About.GROUPS], own[About.PROJECTS])


def keep_chosen(notices: Iterable[Notice]) -> list[Notice]:
    """Return the notices that their recipients' choices cover; skip the others for good.

    What is skipped and still open when a person chooses more is in the next digest.
    """
    rows, chosen = list(notices), AboutFilter()
    kept = [
        notice
        for notice in rows
        if chosen.covers_incident(preferences_of(notice.person), notice.incident)
    ]
    covered = {notice.pk for notice in kept}
    left_out = [notice.pk for notice in rows if notice.pk not in covered]
    if left_out:
        unmailed = Notice.objects.filter(pk__in=left_out, mail__isnull=True, skipped="")
        unmailed.update(skipped=NOT_CHOSEN)
    return kept
