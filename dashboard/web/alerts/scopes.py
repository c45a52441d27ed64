"""Where a rule, a mute or a choice of recipients holds: a connection, a project or a group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from dashboard.alerts.rules.settings import scope_of
from dashboard.fielding.models import ExchangeAccount, Project, TargetGroup
from dashboard.web.auth.permissions import current_user, memberships_of

KINDS = ("connections", "projects", "groups")


@dataclass(frozen=True, slots=True)
class Scope:
    """One of them, with what it lies in."""

    account: ExchangeAccount
    project: Project | None = None
    group: TargetGroup | None = None

    @property
    def kind(self) -> str:
        """As addresses say it."""
        return "groups" if self.group else "projects" if self.project else "connections"

    @property
    def pk(self) -> int:
        """The id in addresses."""
        of: Any = self.group or self.project or self.account
        return int(of.pk)

    @property
    def name(self) -> str:
        """What it is called."""
        of: Any = self.group or self.project or self.account
        return str(of.name)

    @property
    def key(self) -> str:
        """What a rule's row holds for."""
        return scope_of(self.project, self.group)

    @property
    def ids(self) -> tuple[int | None, int | None]:
        """The project's and the group's."""
        return self.project.pk if self.project else None, self.group.pk if self.group else None

    @property
    def inner(self) -> dict[str, Any]:
        """The project or group, as writers take them."""
        if self.group:
            return {"project": self.project, "group": self.group}
        return {"project": self.project}

    @property
    def layers(self) -> list[str]:
        """This scope and the wider ones, outermost first."""
        inner = [scope_of(self.project, None)] if self.project else []
        return ["account", *inner, *([self.key] if self.group else [])]


def find_scope(request: HttpRequest, kind: str, pk: int) -> Scope:
    """What an address names, if it is one of the person's; 404 otherwise."""
    if kind == "groups":
        groups = TargetGroup.objects.visible_to(current_user(request))
        group = groups.select_related("account", "project").filter(pk=pk).first()
        if group:
            return Scope(group.account, group.project, group)
    elif kind == "projects":
        projects = Project.objects.visible_to(current_user(request)).select_related("account")
        project = projects.filter(pk=pk).first()
        if project:
            return Scope(project.account, project)
    elif kind == "connections" and (one := memberships_of(request).get(pk)):
        return Scope(one.account)
    raise Http404


def may_change(request: HttpRequest, of: Scope) -> bool:
    """Rules of a connection are its administrators' to change, others its editors'."""
    one = memberships_of(request).get(of.account.pk)
    return one is not None and (one.may_edit if of.project else one.may_administer)


def require_change(request: HttpRequest, of: Scope) -> None:
    """403 for somebody who may only look."""
    if not may_change(request, of):
        who = "editors and administrators" if of.project else "administrators of the account"
        raise PermissionDenied(f"Only {who} may change this.")
