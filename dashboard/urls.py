"""Every address. Each view declares who may ask for it (`dashboard.web.access`)."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from dashboard.web.access import View
from dashboard.web.views import (
    attention,
    budget,
    charts,
    compare,
    connections,
    edits,
    groups,
    health,
    hooks,
    made,
    mails,
    me,
    notes,
    past,
    people,
    prices,
    projects,
    reports,
    saved,
    search,
    session,
    stop,
)


def _files(below: str, view: View) -> list[URLPattern]:
    """The addresses of a table as a file, in each of its forms."""
    return [
        path(f"{below}export.{kind}", view, {"kind": kind}, name=f"{view.__name__}-{kind}")
        for kind in ("csv", "xlsx")
    ]


urlpatterns = [
    path("", attention.home, name="home"),
    path("projects/", projects.projects, name="projects"),
    *_files("projects/", projects.projects_file),
    path("projects/<int:pk>/", projects.project, name="project"),
    path("projects/<int:pk>/chart.json", charts.project, name="project-chart"),
    path("projects/<int:pk>/completes/", charts.project_numbers, name="project-numbers"),
    *_files("projects/<int:pk>/", projects.project_file),
    path("projects/<int:pk>/compare/", compare.compare, name="compare"),
    path("groups/", projects.groups, name="groups"),
    *_files("groups/", projects.groups_file),
    path("groups/<int:pk>/", groups.group, name="group"),
    path("groups/<int:pk>/chart.json", charts.chart, name="chart"),
    path("groups/<int:pk>/trend.json", charts.trend, name="trend"),
    path("groups/<int:pk>/edit/<str:kind>/", edits.edit, name="edit"),
    path("groups/<int:pk>/notes/", notes.notes, name="notes"),
    *_files("groups/<int:pk>/history/", past.group_file),
    path("projects/<int:pk>/budget/", budget.budget, name="project-budget"),
    path("projects/<int:pk>/history/", past.project, name="project-history"),
    *_files("projects/<int:pk>/history/", past.project_file),
    path("edits/<int:pk>/", made.made, name="made"),
    path("search/", search.search, name="search"),
    path("rate-cards/", prices.rate_cards, name="rate-cards"),
    path("words/", prices.glossary, name="words"),
    path("activity/", reports.changes, name="activity"),
    *_files("activity/", reports.changes_file),
    path("spend/", reports.spend, name="spend"),
    *_files("spend/", reports.spend_file),
    path("views/", saved.views, name="views"),
    path("views/change/", saved.change, name="view-change"),
    path("connections/", connections.connections, name="connections"),
    path("connections/<int:pk>/", connections.connection, name="connection"),
    path("connections/<int:pk>/people/", people.people, name="people"),
    path("connections/<int:pk>/people/<int:membership>/", people.person, name="person"),
    path("me/", me.me, name="me"),
    path("me/password/", me.password, name="password"),
    path("mail/stop/<str:token>/", stop.stop, name="stop"),
    path("mails/", mails.mails, name="mails"),
    path("mails/<int:pk>/", mails.mail, name="mail"),
    path("sign-in/", session.sign_in, name="account_login"),
    path("sign-in/code/", session.second_factor, name="mfa_authenticate"),
    path("sign-in/inactive/", session.inactive, name="account_inactive"),
    path("sign-in/with/<str:provider_id>/", session.sso, name="openid_connect_login"),
    path("sign-in/with/<str:provider_id>/back/", session.sso_back, name="openid_connect_callback"),
    path("sign-in/refused/", session.sso_failed, name="socialaccount_login_error"),
    path("sign-in/left/", session.sso_left, name="socialaccount_login_cancelled"),
    path("sign-in/forgotten/", session.forgotten, name="account_reset_password"),
    path("sign-in/forgotten/sent/", session.forgotten_sent, name="account_reset_password_done"),
    re_path(
        r"^sign-in/new/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        session.new_password,
        name="account_reset_password_from_key",
    ),
    path(
        "sign-in/new/done/",
        session.new_password_set,
        name="account_reset_password_from_key_done",
    ),
    path("sign-out/", session.sign_out, name="account_logout"),
    path("me/confirm/", session.confirm, name="account_reauthenticate"),
    path("me/confirm/code/", session.confirm_code, name="mfa_reauthenticate"),
    path("me/second-factor/", session.factors, name="mfa_index"),
    path("me/second-factor/on/", session.app_on, name="mfa_activate_totp"),
    path("me/second-factor/off/", session.app_off, name="mfa_deactivate_totp"),
    path("me/second-factor/codes/", session.recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "me/second-factor/codes/new/",
        session.recovery_codes_new,
        name="mfa_generate_recovery_codes",
    ),
    path("theme/", session.theme, name="theme"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.figures, name="metrics"),
    path("webhooks/<str:key>/", hooks.webhook, name="webhook"),
]

handler403 = "dashboard.web.views.states.forbidden"
handler404 = "dashboard.web.views.states.not_found"
handler500 = "dashboard.web.views.states.broken"
