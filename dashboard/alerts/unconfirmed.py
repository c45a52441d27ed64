"""Changes through Fieldwatch that the exchange took without a word, and that it does not show."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from dashboard.alerts.book import Book, Effective
from dashboard.alerts.ledger import DAY, Move
from dashboard.alerts.rules import EDIT_UNCONFIRMED
from dashboard.alerts.words import plain
from dashboard.fielding.models import Edit, Incident, Membership, Notice, Project, TargetGroup

# Reading back settles an edit within three minutes, while the exchange can be read.
OPEN_FOR = timedelta(minutes=10)


def moves(project: Project, *, book: Book, now: datetime) -> list[Move]:
    """An incident for each edit that was read back in vain and has none yet."""
    ended = Q(checks__gt=0, state__in=[Edit.State.REJECTED, Edit.State.CONFLICT])
    waits = Q(state__in=[Edit.State.SENDING, Edit.State.UNKNOWN], started_at__lt=now - OPEN_FOR)
    edits = Edit.objects.filter(ended | waits, group__project=project, started_at__gt=now - DAY)
    if not edits.values_list("pk", flat=True)[:1]:  # mostly: a table of three is not joined for it
        return []
    keys = {_key(project, edit): edit for edit in edits.select_related("group", "by")}
    known = set(Incident.objects.filter(key__in=list(keys)).values_list("key", flat=True))
    found = []
    for key, edit in keys.items():
        if key not in known and edit.group is not None:
            chosen = book.one(EDIT_UNCONFIRMED.code, project.pk, edit.group.pk)
            if chosen.enabled:
                incident = _incident(edit, edit.group, chosen, key, now)
                managers = _told_first(edit, edit.group, project)
                found.append(Move(incident, {}, Notice.Kind.FIRE, managers, chosen.in_digest))
    return found


def _key(project: Project, edit: Edit) -> str:
    code = EDIT_UNCONFIRMED.code
    return f"{project.account_id}:{project.pk}:{edit.group_id}:{code}:edit-{edit.pk}"


def _incident(
    edit: Edit, group: TargetGroup, chosen: Effective, key: str, now: datetime
) -> Incident:
    sentence = _sentence(edit, group)
    return Incident(
        account_id=group.account_id,
        project_id=group.project_id,
        group=group,
        rule=chosen.rule.code,
        rule_version=chosen.version,
        key=key,
        state=Incident.State.FIRING,
        severity=chosen.severity,
        headline=sentence[:300],
        sentence=sentence + ".",
        facts={"edit": edit.pk},
        breached_at=edit.started_at,
        fired_at=now,
        readings=1,
        sequence=1,
        evaluate_at=now + DAY,
    )


def _told_first(edit: Edit, group: TargetGroup, project: Project) -> tuple[str, ...]:
    """Who made it, else the group's and the project's managers."""
    mine = Membership.objects.filter(user=edit.by_id, account_id=project.account_id).first()
    maker = mine.exchange_user_id if mine else ""
    return (maker, group.project_manager_id, project.project_manager_id)


def _sentence(edit: Edit, group: TargetGroup) -> str:
    who = plain(str(edit.by)) if edit.by else "somebody"
    what = edit.get_kind_display().lower() if edit.kind != Edit.Kind.CPI else "CPI"
    ends = {
        Edit.State.REJECTED: "the exchange still holds the value from before",
        Edit.State.CONFLICT: "the exchange holds something else now",
    }
    end = ends.get(Edit.State(edit.state), "it cannot be read back yet")
    return f"{plain(group.name)}: {who}'s change ({what}) was sent but not confirmed; {end}"
