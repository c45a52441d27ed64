"""The scope of a rule, a mute or recipients: a connection, a project or a group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from dashboard.alerts.rules.settings import scope_of
from dashboard.fielding.models import ExchangeAccount, Project, TargetGroup
from dashboard.web.auth.permissions import current_user, memberships_of

KINDS = ("connections", "projects", "groups")


class ScopeArguments(TypedDict, total=False):
    """The project or group of a scope, as functions that write take them."""

    project: Project | None
    group: TargetGroup | None


@dataclass(frozen=True, slots=True)
class Scope:
    """A connection, project or group, with what it belongs to."""

    account: ExchangeAccount
    project: Project | None = None
    group: TargetGroup | None = None

    @property
    def kind(self) -> str:
        """The kind of scope, as in addresses."""
        return "groups" if self.group else "projects" if self.project else "connections"

    @property
    def pk(self) -> int:
        """The id of the group, project or connection."""
        subject = self.group or self.project or self.account
        return int(subject.pk)

    @property
    def name(self) -> str:
        """The name of the group, project or connection."""
        subject = self.group or self.project or self.account
        return str(subject.name)

    @property
    def key(self) -> str:
        """The key under which rules of this scope are stored."""
        return scope_of(self.project, self.group)

    @property
    def ids(self) -> tuple[int | None, int | None]:
        """The ids of the project and the group."""
        return self.project.pk if self.project else None, self.group.pk if self.group else None

    @property
    def inner(self) -> ScopeArguments:
        """The project or group, as arguments of functions that write."""
        if self.group:
            return {"project": self.project, "group": self.group}
        return {"project": self.project}

    @property
    def layers(self) -> list[str]:
        """The keys of this scope and the wider ones, widest first."""
        inner = [scope_of(self.project, None)] if self.project else []
        return ["account", *inner, *([self.key] if self.group else [])]


def find_scope(request: HttpRequest, kind: str, pk: int) -> Scope:
    """Return the scope in an address, if the person can see it; raises Http404 otherwise."""
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
    elif kind == "connections" and (membership := memberships_of(request).get(pk)):
        return Scope(membership.account)
    raise Http404


def may_change(request: HttpRequest, scope: Scope) -> bool:
    """Whether the person may change a scope: administrators a connection, editors the others."""
    membership = memberships_of(request).get(scope.account.pk)
    return membership is not None and (
        membership.may_edit if scope.project else membership.may_administer
    )


def require_change(request: HttpRequest, scope: Scope) -> None:
    """Raise PermissionDenied for a person who may only view."""
    if not may_change(request, scope):
        roles = "editors and administrators" if scope.project else "administrators of the account"
        raise PermissionDenied(f"Only {roles} can change this.")
