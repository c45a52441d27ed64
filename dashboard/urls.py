"""Every address. Each view declares who may open it (`dashboard.web.auth.permissions`)."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path, register_converter
from django.urls.converters import IntConverter

from dashboard.web.auth.audit import record_export
from dashboard.web.auth.permissions import View
from dashboard.web.views import (
    access_tokens,
    api,
    audit_log,
    batches,
    calendar_feed,
    channels,
    charts,
    compare_waves,
    connection_settings,
    connections,
    cpi_outlook,
    drafts,
    edit_detail,
    edits,
    email_address,
    first_sync,
    groups,
    health,
    help,
    history,
    home,
    incidents,
    items,
    launch_draft,
    mails,
    new_project,
    notes,
    people,
    profile,
    project_budget,
    projects,
    rate_cards,
    refresh,
    reports,
    rules,
    saved_views,
    search,
    setup,
    share_status,
    shared_status,
    sign_in,
    unsubscribe,
    webhook_deliveries,
)


class Key(IntConverter):
    """A primary key: digits that fit a 64-bit integer."""

    regex = "[0-9]{1,18}"


register_converter(Key, "key")


def _export_paths(prefix: str, view: View) -> list[URLPattern]:
    """Return the paths of a table's exports (CSV, Excel); each download is audited."""
    view = record_export(view)
    return [
        path(f"{prefix}export.{kind}", view, {"kind": kind}, name=f"{view.__name__}-{kind}")
        for kind in ("csv", "xlsx")
    ]


def _scoped_paths(kind: str, rule_view: View, recipients_view: View) -> list[URLPattern]:
    """Return the paths of rules, recipients and mutes of a connection, project or group."""
    below, fixed = f"rules/{kind}/<key:pk>/", {"kind": kind}
    return [
        path(below, rules.rules_of, fixed, name="rules-of"),
        path(f"{below}told/", recipients_view, fixed, name="recipients"),
        path(f"{below}mute/", incidents.mute_scope, fixed, name="mute"),
        path(f"{below}<str:code>/", rule_view, fixed, name="rule"),
        path(f"{below}<str:code>/preview/", rules.preview_of, fixed, name="preview"),
    ]


def _channel_paths(kind: str, *views: View) -> list[URLPattern]:
    """Return the paths of the channels of a connection or a project: list, form, what is done."""
    below, fixed = f"rules/{kind}/<key:pk>/channels/", {"kind": kind}
    each = ("", "test/", "again/", "remove/")
    names = ("channel", "channel-test", "channel-again", "channel-remove")
    return [
        path(below, views[0], fixed, name="channels"),
        *(
            path(f"{below}<key:channel>/{act}", view, fixed, name=name)
            for act, view, name in zip(each, views[1:], names, strict=True)
        ),
    ]


def _share_paths(kind: str) -> list[URLPattern]:
    """Return the paths of sharing the status of a project, or of a selection of groups."""
    below = "projects/<key:pk>/share/" if kind == "projects" else f"{kind}/<key:pk>/"
    fixed = {"kind": kind}
    file = record_export(share_status.share_file)
    return [
        path(below, share_status.share_page, fixed, name="share"),
        path(f"{below}options/", share_status.save_share_options, fixed, name="share-options"),
        path(f"{below}link/", share_status.create_share_link, fixed, name="share-link"),
        path(f"{below}emails/", share_status.save_share_schedule, fixed, name="share-emails"),
        path(f"{below}export.xlsx", file, fixed, name="share-file"),
    ]


urlpatterns = [
    path("", home.home_page, name="home"),
    path("items/act/", items.act_on_items, name="items-act"),
    path("items/<key:pk>/", items.item_sheet, name="item"),
    path("items/link/", items.link_exchange_user, name="items-link"),
    path("projects/", projects.project_list, name="projects"),
    *_export_paths("projects/", projects.projects_file),
    path("projects/<key:pk>/", projects.project_detail, name="project"),
    path("projects/<key:pk>/chart.json", charts.project_chart_json, name="project-chart"),
    path("projects/<key:pk>/completes/", charts.project_numbers, name="project-numbers"),
    path("projects/<key:pk>/countries/", projects.project_countries, name="project-countries"),
    *_export_paths("projects/<key:pk>/", projects.project_file),
    path("projects/<key:pk>/groups/new/", drafts.new_draft, name="new-draft"),
    path("projects/<key:pk>/compare/", compare_waves.compare_waves, name="compare"),
    path(
        "projects/<key:pk>/compare/chart.json",
        compare_waves.compare_chart_json,
        name="compare-chart",
    ),
    *_share_paths("projects"),
    path("shares/", share_status.share_list, name="shares"),
    *_share_paths("shares"),
    path("links/<key:pk>/revoke/", share_status.revoke_share_link, name="revoke-link"),
    path("s/<str:token>/", shared_status.shared_status, name="shared-status"),
    path("groups/", projects.group_list, name="groups"),
    *_export_paths("groups/", projects.groups_file),
    path("groups/<key:pk>/", groups.group_detail, name="group"),
    path("groups/<key:pk>/chart.json", charts.group_chart_json, name="chart"),
    path("groups/<key:pk>/trend.json", charts.group_trend_json, name="trend"),
    path("groups/<key:pk>/edit/<str:kind>/", edits.edit, name="edit"),
    path("groups/<key:pk>/cpi/", cpi_outlook.cpi_outlook, name="cpi-outlook"),
    path("groups/<key:pk>/cpi/advice/", cpi_outlook.cpi_advice, name="cpi-advice"),
    path("groups/<key:pk>/details/", groups.group_details, name="group-details"),
    path("groups/<key:pk>/suppliers/", groups.group_suppliers, name="group-suppliers"),
    path("groups/<key:pk>/draft/", drafts.change_draft, name="draft"),
    path("groups/<key:pk>/launch/", launch_draft.launch_draft, name="launch"),
    path("groups/<key:pk>/notes/", notes.note_form, name="notes"),
    *_export_paths("groups/<key:pk>/history/", history.group_file),
    path("projects/<key:pk>/budget/", project_budget.project_budget, name="project-budget"),
    path("projects/<key:pk>/client-cpi/", project_budget.project_client_cpi, name="client-cpi"),
    path("projects/<key:pk>/history/", history.project_history, name="project-history"),
    *_export_paths("projects/<key:pk>/history/", history.project_file),
    path("edits/<key:pk>/", edit_detail.edit_detail, name="made"),
    path("edits/<key:pk>/line/", edit_detail.line, name="made-line"),
    path("edits/<key:pk>/give-up/", edit_detail.give_up, name="give-up"),
    path("look/", refresh.refresh_home, name="look"),
    path("projects/<key:pk>/look/", refresh.refresh_project, name="project-look"),
    path("groups/<key:pk>/look/", refresh.refresh_group, name="group-look"),
    path("act/", batches.preview_action, name="act"),
    path("jobs/", batches.batch_list, name="batches"),
    path("jobs/<key:pk>/", batches.batch_detail, name="batch"),
    path("jobs/<key:pk>/undo/", batches.undo_batch, name="batch-undo"),
    path("search/", search.search, name="search"),
    path("rate-cards/", rate_cards.rate_cards, name="rate-cards"),
    path("words/", rate_cards.glossary_page, name="words"),
    path("help/", help.help_list, name="help"),
    path("help/<slug:name>/", help.help_page, name="help-page"),
    path("activity/", reports.activity_page, name="activity"),
    *_export_paths("activity/", reports.changes_file),
    path("activity/prices/", reports.prices_page, name="prices"),
    *_export_paths("activity/prices/", reports.prices_file),
    path("spend/", reports.spend_page, name="spend"),
    *_export_paths("spend/", reports.spend_file),
    path("views/", saved_views.view_list, name="views"),
    path("views/change/", saved_views.change_view, name="view-change"),
    path("connections/", connections.connection_list, name="connections"),
    path("connections/add/", connection_settings.add_connection, name="connection-add"),
    path("connections/<key:pk>/", connections.connection_detail, name="connection"),
    path(
        "connections/<key:pk>/change/",
        connection_settings.change_connection,
        name="connection-change",
    ),
    path(
        "connections/<key:pk>/remove/",
        connection_settings.remove_connection,
        name="connection-remove",
    ),
    path("connections/<key:pk>/first-sync/", first_sync.first_sync, name="first-sync"),
    path("connections/<key:pk>/projects/new/", new_project.new_project, name="new-project"),
    path(
        "connections/<key:pk>/reconciliation/",
        reports.reconciliation_page,
        name="reconciliation",
    ),
    path("connections/<key:pk>/polling/", connections.switch_polling, name="polling"),
    path("connections/<key:pk>/test/", connections.test_connection, name="connection-test"),
    path("connections/<key:pk>/webhook/", connections.register_webhook_again, name="webhook-again"),
    path(
        "connections/<key:pk>/webhook/<str:step>/", connections.change_webhook, name="webhook-step"
    ),
    path("connections/<key:pk>/people/", people.people_list, name="people"),
    path("connections/<key:pk>/people/<key:membership>/", people.change_membership, name="person"),
    path(
        "connections/<key:pk>/people/<key:membership>/<str:act>/",
        people.person_act,
        name="person-act",
    ),
    path("connections/<key:pk>/audit/", audit_log.audit_log, name="audit"),
    *_export_paths("connections/<key:pk>/audit/", audit_log.audit_file),
    path("connections/<key:pk>/mail/", mails.mail_outbox, name="outbox"),
    path("connections/<key:pk>/mail/<key:membership>/again/", mails.send_again, name="mail-again"),
    path("incidents/", incidents.incident_list, name="incidents"),
    path("incidents/<key:pk>/", incidents.incident_detail, name="incident"),
    path("incidents/<key:pk>/chart.json", incidents.incident_chart_json, name="incident-chart"),
    path("incidents/<key:pk>/acknowledge/", incidents.acknowledge_incident, name="acknowledge"),
    path("incidents/<key:pk>/mute/", incidents.mute_incident, name="mute-incident"),
    path("bell/", incidents.bell_box, name="bell"),
    path("act/<str:token>/", incidents.follow_action_link, name="act"),
    path("mutes/<key:pk>/end/", incidents.end_mute, name="unmute"),
    path("rules/", rules.rules_page, name="rules"),
    *_channel_paths(
        "connections",
        channels.channels_edit_account,
        channels.channel_edit_account,
        channels.channel_test_account,
        channels.channel_again_account,
        channels.channel_remove_account,
    ),
    *_channel_paths(
        "projects",
        channels.channels_edit,
        channels.channel_edit,
        channels.channel_test,
        channels.channel_again,
        channels.channel_remove,
    ),
    *_scoped_paths("connections", rules.rule_edit_account, rules.recipients_edit_account),
    *_scoped_paths("projects", rules.rule_edit, rules.recipients_edit),
    *_scoped_paths("groups", rules.rule_edit, rules.recipients_edit),
    path("me/", profile.profile_page, name="me"),
    path("me/mail/", mails.mail_preferences, name="mail-choice"),
    path("me/channels/", channels.my_channels, name="my-channels"),
    path("me/channels/<key:channel>/", channels.change_my_channel, name="my-channel"),
    path("me/channels/<key:channel>/test/", channels.test_my_channel, name="my-channel-test"),
    path("me/channels/<key:channel>/again/", channels.resend_my_channel, name="my-channel-again"),
    path("me/channels/<key:channel>/remove/", channels.remove_my_channel, name="my-channel-remove"),
    path("me/address/", email_address.change_address, name="address"),
    path("me/address/<str:token>/", email_address.confirm_address, name="address-shown"),
    path("me/api-tokens/", access_tokens.api_tokens, name="api-tokens"),
    path("me/calendar/", access_tokens.calendar_addresses, name="calendars"),
    path("tokens/<key:pk>/revoke/", access_tokens.revoke_token, name="revoke-token"),
    path("me/sessions/", sign_in.session_list, name="sessions"),
    path("me/single-sign-on/", sign_in.identities, name="identities"),
    path("me/password/", profile.change_password, name="password"),
    path("mail/stop/status/<str:token>/", shared_status.stop_status_emails, name="stop-status"),
    path("mail/stop/<str:token>/", unsubscribe.unsubscribe_page, name="stop"),
    path("mails/", mails.mail_list, name="mails"),
    path("mails/test/", mails.send_test_mail, name="mail-test"),
    path("mails/<key:pk>/", mails.mail_detail, name="mail"),
    path("setup/", setup.setup_page, name="setup"),
    path("sign-in/", sign_in.sign_in, name="account_login"),
    path("sign-in/code/", sign_in.second_factor, name="mfa_authenticate"),
    path("sign-in/inactive/", sign_in.inactive, name="account_inactive"),
    path("sign-in/with/<str:provider_id>/", sign_in.sso, name="openid_connect_login"),
    path("sign-in/with/<str:provider_id>/back/", sign_in.sso_back, name="openid_connect_callback"),
    path("sign-in/refused/", sign_in.sso_failed, name="socialaccount_login_error"),
    path("sign-in/left/", sign_in.sso_left, name="socialaccount_login_cancelled"),
    path("sign-in/forgotten/", sign_in.forgotten, name="account_reset_password"),
    path("sign-in/forgotten/sent/", sign_in.forgotten_sent, name="account_reset_password_done"),
    re_path(
        r"^sign-in/new/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        sign_in.new_password,
        name="account_reset_password_from_key",
    ),
    path(
        "sign-in/new/done/",
        sign_in.new_password_set,
        name="account_reset_password_from_key_done",
    ),
    path("sign-out/", sign_in.sign_out, name="account_logout"),
    path("me/confirm/", sign_in.confirm, name="account_reauthenticate"),
    path("me/confirm/code/", sign_in.confirm_code, name="mfa_reauthenticate"),
    path("me/second-factor/", sign_in.factors, name="mfa_index"),
    path("me/second-factor/on/", sign_in.app_on, name="mfa_activate_totp"),
    path("me/second-factor/off/", sign_in.app_off, name="mfa_deactivate_totp"),
    path("me/second-factor/codes/", sign_in.recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "me/second-factor/codes/new/",
        sign_in.recovery_codes_new,
        name="mfa_generate_recovery_codes",
    ),
    path("calendar/<str:token>.ics", calendar_feed.serve_calendar, name="calendar"),
    path("theme/", sign_in.set_theme, name="theme"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics_figures, name="metrics"),
    path("api/v1/openapi.json", api.answer_api, name="openapi"),
    re_path(r"^api/", api.answer_api, name="api"),
    path("webhooks/<str:key>/", webhook_deliveries.receive_delivery, name="webhook"),
]

handler400 = "dashboard.web.views.errors.bad_request_page"
handler403 = "dashboard.web.views.errors.forbidden_page"
handler404 = "dashboard.web.views.errors.not_found_page"
handler500 = "dashboard.web.views.errors.broken_page"
