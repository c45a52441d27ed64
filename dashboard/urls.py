"""Every address. Each view declares who may ask for it (`dashboard.web.access`)."""

from __future__ import annotations

from django.urls import path

from dashboard.web.views import (
    attention,
    budget,
    connections,
    edits,
    groups,
    health,
    hooks,
    look,
    made,
    mails,
    notes,
    past,
    projects,
    session,
    stop,
)

urlpatterns = [
    path("", attention.home, name="home"),
    path("projects/", projects.projects, name="projects"),
    path("projects/<int:pk>/", projects.project, name="project"),
    path("projects/<int:pk>/export.csv", projects.project_csv, name="project-csv"),
    path("groups/", projects.groups, name="groups"),
    path("groups/export.csv", projects.groups_csv, name="groups-csv"),
    path("groups/<int:pk>/", groups.group, name="group"),
    path("groups/<int:pk>/chart.json", groups.chart, name="chart"),
    path("groups/<int:pk>/trend.json", groups.trend, name="trend"),
    path("groups/<int:pk>/edit/<str:kind>/", edits.edit, name="edit"),
    path("groups/<int:pk>/notes/", notes.notes, name="notes"),
    path("groups/<int:pk>/history.csv", past.group_csv, name="group-history-csv"),
    path("projects/<int:pk>/budget/", budget.budget, name="project-budget"),
    path("projects/<int:pk>/history/", past.project, name="project-history"),
    path("projects/<int:pk>/history.csv", past.project_csv, name="project-history-csv"),
    path("edits/<int:pk>/", made.made, name="made"),
    path("search/", look.search, name="search"),
    path("activity/", look.activity, name="activity"),
    path("activity/export.csv", look.activity_csv, name="activity-csv"),
    path("spend/", look.spend, name="spend"),
    path("spend/export.csv", look.spend_csv, name="spend-csv"),
    path("connections/", connections.connections, name="connections"),
    path("connections/<int:pk>/", connections.connection, name="connection"),
    path("me/", look.me, name="me"),
    path("me/password/", look.password, name="password"),
    path("mail/stop/<str:token>/", stop.stop, name="stop"),
    path("mails/", mails.mails, name="mails"),
    path("mails/<int:pk>/", mails.mail, name="mail"),
    path("sign-in/", session.sign_in, name="sign-in"),
    path("sign-out/", session.sign_out, name="sign-out"),
    path("theme/", session.theme, name="theme"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.figures, name="metrics"),
    path("webhooks/<str:key>/", hooks.webhook, name="webhook"),
]

handler403 = "dashboard.web.views.states.forbidden"
handler404 = "dashboard.web.views.states.not_found"
handler500 = "dashboard.web.views.states.broken"
