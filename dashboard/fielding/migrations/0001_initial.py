"""All tables of release 0.1.0 at once; 0027 goes on from them.

A database of that release has the migrations of `replaces` on record and runs none of this. One from
before it is refused (0027 names the last of them): bring it to 0.1.0 first.
"""

import datetime
from typing import Any

import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.core.management import call_command
from django.db import migrations, models

import dashboard.fielding.models.fields
import dashboard.fielding.models.people


# Any: Django does not type the arguments of a migration's functions.
def create_cache(_apps: Any, schema_editor: Any) -> None:
    """Make the table behind Django's cache: wrong passwords and used codes count for all processes."""
    call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


def drop_cache(_apps: Any, schema_editor: Any) -> None:
    """Take it away again."""
    schema_editor.execute("DROP TABLE fielding_cache")


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("fielding", "0002_note"),
        ("fielding", "0003_saved_views"),
        ("fielding", "0004_visits"),
        ("fielding", "0005_group_sheet"),
        ("fielding", "0006_budgets"),
        ("fielding", "0007_edits_of_more"),
        ("fielding", "0008_webhooks"),
        ("fielding", "0009_shared_cache"),
        ("fielding", "0010_usual"),
        ("fielding", "0011_turns"),
        ("fielding", "0012_mail_only_addresses"),
        ("fielding", "0013_batches"),
        ("fielding", "0014_first_pull"),
        ("fielding", "0015_thinned"),
        ("fielding", "0016_edits_of_the_assistant"),
        ("fielding", "0017_edits_by_jobs"),
        ("fielding", "0018_edits_of_drafts"),
        ("fielding", "0019_draft_made_once"),
        ("fielding", "0020_edit_given_up"),
        ("fielding", "0021_edit_settled"),
        ("fielding", "0022_error_kinds"),
        ("fielding", "0023_batches_of_drafts"),
        ("fielding", "0024_batch_seen"),
        ("fielding", "0025_defaults_of_the_database"),
        ("fielding", "0026_costs_of_billions"),
    ]

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="ExchangeAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=64, unique=True)),
                ("exchange_id", models.CharField(max_length=64)),
                ("base_url", models.CharField(max_length=500)),
                ("api_version", models.CharField(default="2025-12-18", max_length=32)),
                (
                    "auth",
                    models.CharField(
                        choices=[
                            ("api_key", "API key"),
                            ("client_credentials", "Client credentials"),
                        ],
                        max_length=18,
                    ),
                ),
                ("secret", dashboard.fielding.models.fields.EncryptedTextField()),
                ("token_url", models.CharField(blank=True, default="", max_length=500)),
                ("client_id", models.CharField(blank=True, default="", max_length=200)),
                ("audience", models.CharField(blank=True, default="", max_length=500)),
                ("polling", models.BooleanField(default=True)),
                ("poll_seconds", models.PositiveIntegerField(blank=True, null=True)),
                ("requests_per_minute", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "health",
                    models.CharField(
                        choices=[
                            ("new", "never read"),
                            ("fresh", "fresh"),
                            ("stale", "stale"),
                            ("error", "refused"),
                        ],
                        default="new",
                        max_length=5,
                    ),
                ),
                ("health_reason", models.TextField(blank=True, default="")),
                ("clock_skew_seconds", models.FloatField(blank=True, null=True)),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                ("names_at", models.DateTimeField(blank=True, null=True)),
                ("whole_at", models.DateTimeField(blank=True, null=True)),
                ("due_at", models.DateTimeField(blank=True, db_index=True, null=True)),
                ("leased_until", models.DateTimeField(blank=True, null=True)),
                ("lease", models.CharField(blank=True, default="", max_length=32)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("version", models.PositiveBigIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="TargetGroup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("exchange_id", models.CharField(max_length=64)),
                (
                    "human_readable_id",
                    models.CharField(blank=True, db_index=True, default="", max_length=16),
                ),
                ("name", models.TextField()),
                ("reference_number", models.CharField(blank=True, default="", max_length=200)),
                ("status", models.CharField(max_length=32)),
                ("locale", models.CharField(blank=True, default="", max_length=16)),
                ("country_code", models.CharField(blank=True, default="", max_length=2)),
                ("language_code", models.CharField(blank=True, default="", max_length=3)),
                ("time_zone", models.CharField(blank=True, default="", max_length=64)),
                ("project_manager_id", models.CharField(blank=True, default="", max_length=64)),
                ("created_at", models.DateTimeField(null=True)),
                ("completes", models.PositiveIntegerField(null=True)),
                ("prescreens", models.PositiveIntegerField(null=True)),
                ("filling_goal", models.PositiveIntegerField(null=True)),
                ("filling_strategy", models.CharField(blank=True, default="", max_length=32)),
                ("last_complete_at", models.DateTimeField(null=True)),
                ("incidence_rate", models.FloatField(blank=True, null=True)),
                ("drop_off_rate", models.FloatField(blank=True, null=True)),
                ("conversion_rate", models.FloatField(blank=True, null=True)),
                ("median_loi_seconds", models.PositiveIntegerField(null=True)),
                (
                    "epc",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=15, null=True),
                ),
                (
                    "epcm",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=15, null=True),
                ),
                (
                    "average_cpi",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=15, null=True),
                ),
                ("issues", models.JSONField(default=dict)),
                ("exchange_updated_at", models.DateTimeField(null=True)),
                ("row_hash", models.BinaryField(default=b"", max_length=16)),
                ("pricing_model", models.CharField(blank=True, default="", max_length=32)),
                ("is_pricing_restricted", models.BooleanField(null=True)),
                (
                    "cpi",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=15, null=True),
                ),
                (
                    "cost",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=18, null=True),
                ),
                ("currency", models.CharField(blank=True, default="", max_length=3)),
                ("entrants", models.PositiveIntegerField(null=True)),
                ("first_complete_at", models.DateTimeField(null=True)),
                ("respondent_analysis", models.JSONField(default=list)),
                ("expected_loi_minutes", models.PositiveSmallIntegerField(null=True)),
                ("expected_incidence_rate", models.FloatField(blank=True, null=True)),
                ("completes_goal", models.PositiveIntegerField(null=True)),
                ("details", models.JSONField(default=dict)),
                ("fielding_run_id", models.CharField(blank=True, default="", max_length=64)),
                ("starts_at", models.DateTimeField(null=True)),
                ("ends_at", models.DateTimeField(null=True)),
                ("re_entry", models.JSONField(null=True)),
                ("re_entry_offered", models.BooleanField(null=True)),
                ("status_reason", models.CharField(blank=True, default="", max_length=100)),
                ("status_changed_at", models.DateTimeField(null=True)),
                ("status_changed_by", models.CharField(blank=True, default="", max_length=32)),
                (
                    "budget",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=15, null=True),
                ),
                ("insight", models.JSONField(default=dict)),
                ("short_at_end", models.FloatField(null=True)),
                ("finish_at", models.DateTimeField(null=True)),
                ("reconciling", models.BooleanField(default=False)),
                ("completes_read_at", models.DateTimeField(null=True)),
                ("details_read_at", models.DateTimeField(null=True)),
                ("told_at", models.DateTimeField(null=True)),
                ("owed_at", models.DateTimeField(null=True)),
                ("owes_since", models.DateTimeField(null=True)),
                ("missing_since", models.DateTimeField(null=True)),
                ("error", models.TextField(blank=True, default="")),
                ("changed_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="target_groups",
                        to="fielding.exchangeaccount",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Project",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("exchange_id", models.CharField(max_length=64)),
                ("human_readable_id", models.CharField(blank=True, default="", max_length=16)),
                ("name", models.TextField()),
                ("reference_number", models.CharField(blank=True, default="", max_length=200)),
                ("status", models.CharField(max_length=32)),
                ("project_manager_id", models.CharField(blank=True, default="", max_length=64)),
                ("group_count", models.PositiveIntegerField(default=0)),
                ("filling_goal", models.PositiveIntegerField(null=True)),
                ("completes", models.PositiveIntegerField(null=True)),
                ("prescreens", models.PositiveIntegerField(null=True)),
                ("incidence_rate", models.FloatField(blank=True, null=True)),
                ("median_loi_seconds", models.PositiveIntegerField(null=True)),
                ("conversion_rate", models.FloatField(blank=True, null=True)),
                ("drop_off_rate", models.FloatField(blank=True, null=True)),
                ("last_activity_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(null=True)),
                ("missing_since", models.DateTimeField(null=True)),
                (
                    "budget",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=15, null=True),
                ),
                (
                    "budget_currency",
                    models.CharField(blank=True, db_default="", default="", max_length=3),
                ),
                ("due_at", models.DateTimeField(db_index=True, null=True)),
                ("leased_until", models.DateTimeField(null=True)),
                ("lease", models.CharField(blank=True, default="", max_length=32)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("error", models.TextField(blank=True, default="")),
                ("read_at", models.DateTimeField(null=True)),
                ("overviews_at", models.DateTimeField(null=True)),
                ("details_at", models.DateTimeField(null=True)),
                ("told_at", models.DateTimeField(null=True)),
                ("urgency", models.PositiveSmallIntegerField(db_default=2, default=2)),
                ("pass_to", models.CharField(blank=True, db_default="", default="", max_length=64)),
                ("pass_since", models.DateTimeField(null=True)),
                ("version", models.PositiveBigIntegerField(default=0)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="projects",
                        to="fielding.exchangeaccount",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Pulse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=32, unique=True)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Thinned",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("grain", models.CharField(max_length=5, unique=True)),
                ("reading_id", models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "first_name",
                    models.CharField(blank=True, max_length=150, verbose_name="first name"),
                ),
                (
                    "last_name",
                    models.CharField(blank=True, max_length=150, verbose_name="last name"),
                ),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Designates whether the user can log into this admin site.",
                        verbose_name="staff status",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                (
                    "date_joined",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="date joined"
                    ),
                ),
                (
                    "username",
                    models.CharField(max_length=150, unique=True, verbose_name="sign-in name"),
                ),
                ("email", models.EmailField(max_length=254, verbose_name="e-mail address")),
                ("time_zone", models.CharField(default="UTC", max_length=64)),
                (
                    "theme",
                    models.CharField(
                        choices=[
                            ("auto", "As the device says"),
                            ("light", "Light"),
                            ("dark", "Dark"),
                        ],
                        default="auto",
                        max_length=5,
                    ),
                ),
                ("seen_at", models.DateTimeField(blank=True, null=True)),
                ("last_visit_at", models.DateTimeField(blank=True, null=True)),
                ("email_refused", models.TextField(blank=True, default="")),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "user",
                "verbose_name_plural": "users",
                "abstract": False,
            },
            managers=[
                ("objects", dashboard.fielding.models.people.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name="Batch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("launch", "Launch"),
                            ("drafts", "Launch drafts"),
                            ("pause", "Pause"),
                            ("resume", "Resume"),
                            ("relaunch", "Relaunch"),
                            ("complete", "Complete"),
                            ("manager", "Hand over"),
                            ("cpi", "Change the CPI"),
                            ("end", "Move the end"),
                        ],
                        max_length=10,
                    ),
                ),
                ("wanted", models.JSONField(default=dict)),
                ("token", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="batches",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BatchJob",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=36, unique=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("exchange_id", models.CharField(blank=True, default="", max_length=64)),
                ("tries", models.PositiveIntegerField(default=0)),
                ("error", models.TextField(blank=True, default="")),
                ("check_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="jobs",
                        to="fielding.batch",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="batch_jobs",
                        to="fielding.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Edit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("cpi", "Cost per interview"),
                            ("filling_strategy", "Filling strategy"),
                            ("re_entry", "Re-entry"),
                            ("details", "Details"),
                            ("dates", "Fielding dates"),
                            ("goals", "Goals"),
                            ("assistant", "Fielding assistant"),
                            ("budget", "Budget"),
                            ("time_zone", "Time zone"),
                            ("status", "Status"),
                            ("manager", "Project manager"),
                            ("draft", "Draft"),
                            ("new_project", "New project"),
                            ("new_draft", "New draft"),
                            ("launch", "Launch"),
                        ],
                        max_length=32,
                    ),
                ),
                ("token", models.CharField(max_length=64, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("sending", "being sent"),
                            ("unknown", "not known yet"),
                            ("confirmed", "confirmed"),
                            ("rejected", "refused by the exchange"),
                            ("conflict", "changed by somebody else meanwhile"),
                            ("given_up", "given up"),
                        ],
                        default="sending",
                        max_length=10,
                    ),
                ),
                ("before", models.JSONField(null=True)),
                ("wanted", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
                ("reasons", models.JSONField(default=list)),
                (
                    "asked_id",
                    models.CharField(blank=True, db_default="", default="", max_length=64),
                ),
                ("started_at", models.DateTimeField()),
                ("checks", models.PositiveSmallIntegerField(default=0)),
                ("settled_at", models.DateTimeField(null=True)),
                ("check_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="edits",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "given_up_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="edits",
                        to="fielding.exchangeaccount",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="edits",
                        to="fielding.targetgroup",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="edits",
                        to="fielding.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BusinessUnit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("exchange_id", models.CharField(max_length=64)),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                ("currency", models.CharField(blank=True, default="", max_length=3)),
                ("pricing_models", models.JSONField(default=list)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="business_units",
                        to="fielding.exchangeaccount",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ExchangeUser",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("exchange_id", models.CharField(max_length=64)),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                ("email", models.CharField(blank=True, default="", max_length=254)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="exchange_users",
                        to="fielding.exchangeaccount",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="GroupSheet",
            fields=[
                (
                    "group",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="sheet",
                        serialize=False,
                        to="fielding.targetgroup",
                    ),
                ),
                ("profiles", models.JSONField(default=list)),
                ("rate_card", models.JSONField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="CompletesDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("hours", models.BinaryField(max_length=96)),
                ("odd", models.JSONField(null=True)),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="completes_days",
                        to="fielding.targetgroup",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Change",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("batch_id", models.CharField(max_length=64)),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("occurred_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("actor_type", models.CharField(blank=True, default="", max_length=64)),
                ("actor_id", models.CharField(blank=True, default="", max_length=64)),
                ("kind", models.CharField(max_length=100)),
                ("old", models.JSONField(null=True)),
                ("new", models.JSONField(null=True)),
                ("reason_code", models.CharField(blank=True, default="", max_length=100)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="fielding.exchangeaccount",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="fielding.targetgroup",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BatchGroup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "on its way"),
                            ("done", "done"),
                            ("failed", "refused"),
                            ("unknown", "not known"),
                        ],
                        default="waiting",
                        max_length=7,
                    ),
                ),
                ("reason", models.TextField(blank=True, default="")),
                ("seen", models.JSONField(null=True)),
                ("wanted", models.JSONField(null=True)),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="groups",
                        to="fielding.batchjob",
                    ),
                ),
                (
                    "edit",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="batch_group",
                        to="fielding.edit",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="batches",
                        to="fielding.targetgroup",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Incident",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("rule", models.CharField(max_length=64)),
                ("rule_version", models.PositiveIntegerField(default=0)),
                ("key", models.CharField(max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("firing", "firing"),
                            ("recovering", "recovering"),
                            ("resolved", "resolved"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "severity",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "critical"), (2, "warning"), (3, "notice")]
                    ),
                ),
                ("headline", models.CharField(default="", max_length=300)),
                ("sentence", models.TextField()),
                ("facts", models.JSONField(default=dict)),
                ("breached_at", models.DateTimeField()),
                ("fired_at", models.DateTimeField(null=True)),
                ("clear_since", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("close_reason", models.CharField(blank=True, default="", max_length=100)),
                ("readings", models.PositiveIntegerField(default=0)),
                ("cycle", models.BigIntegerField(null=True)),
                ("evaluate_at", models.DateTimeField(null=True)),
                ("sequence", models.PositiveIntegerField(default=0)),
                ("flapping", models.BooleanField(default=False)),
                ("acknowledged_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="incidents",
                        to="fielding.exchangeaccount",
                    ),
                ),
                (
                    "acknowledged_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="incidents",
                        to="fielding.targetgroup",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="incidents",
                        to="fielding.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Mail",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("address", models.EmailField(max_length=254)),
                ("message_id", models.CharField(max_length=200, unique=True)),
                ("subject", models.CharField(max_length=300)),
                ("text", models.TextField()),
                ("html", models.TextField(blank=True, default="")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("sent", "sent"),
                            ("dead", "could not be delivered"),
                        ],
                        default="waiting",
                        max_length=7,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("next_try_at", models.DateTimeField()),
                ("leased_until", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("sent_at", models.DateTimeField(null=True)),
                ("error", models.TextField(blank=True, default="")),
                ("digest_day", models.DateField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mails",
                        to="fielding.exchangeaccount",
                    ),
                ),
                (
                    "recipient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mails",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="mails",
                        to="fielding.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="MailChoice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "now",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, "nothing"),
                            (1, "critical"),
                            (2, "critical and warnings"),
                            (3, "everything"),
                        ],
                        default=1,
                    ),
                ),
                ("recoveries_now", models.BooleanField(default=False)),
                ("digest", models.BooleanField(default=True)),
                ("digest_at", models.TimeField(default=datetime.time(8, 0))),
                ("digest_days", models.CharField(default="12345", max_length=7)),
                ("quiet_from", models.TimeField(default=datetime.time(20, 0))),
                ("quiet_until", models.TimeField(default=datetime.time(7, 30))),
                ("quiet_weekends", models.BooleanField(default=True)),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mail_choice",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("mail", "Mail only"),
                            ("viewer", "Viewer"),
                            ("editor", "Editor"),
                            ("administrator", "Administrator"),
                        ],
                        max_length=13,
                    ),
                ),
                ("exchange_user_id", models.CharField(blank=True, default="", max_length=64)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="fielding.exchangeaccount",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notes",
                        to="fielding.targetgroup",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("fire", "fired"),
                            ("repeat", "still firing"),
                            ("recover", "recovered"),
                            ("no-data", "no data"),
                        ],
                        max_length=7,
                    ),
                ),
                ("sequence", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField()),
                ("in_digest", models.BooleanField(default=False)),
                ("skipped", models.CharField(blank=True, default="", max_length=100)),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to="fielding.incident",
                    ),
                ),
                (
                    "mail",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="notices",
                        to="fielding.mail",
                    ),
                ),
                (
                    "recipient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="targetgroup",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="target_groups",
                to="fielding.project",
            ),
        ),
        migrations.CreateModel(
            name="Mute",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("rule", models.CharField(blank=True, default="", max_length=64)),
                ("created_at", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mutes",
                        to="fielding.exchangeaccount",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mutes",
                        to="fielding.targetgroup",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mutes",
                        to="fielding.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Cycle",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("listed", models.BooleanField(default=False)),
                ("complete", models.BooleanField(default=False)),
                ("requests", models.PositiveIntegerField(default=0)),
                ("groups_seen", models.PositiveIntegerField(default=0)),
                ("groups_written", models.PositiveIntegerField(default=0)),
                ("quarantined", models.PositiveIntegerField(default=0)),
                ("left", models.PositiveIntegerField(db_default=0, default=0)),
                ("errors", models.JSONField(default=list)),
                ("kinds", models.JSONField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="cycles",
                        to="fielding.exchangeaccount",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="cycles",
                        to="fielding.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Quarantine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("operation", models.CharField(max_length=100)),
                ("item_id", models.CharField(blank=True, default="", max_length=100)),
                ("reason", models.TextField()),
                ("raw", models.TextField()),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("times", models.PositiveIntegerField(default=1)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="quarantine",
                        to="fielding.exchangeaccount",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Reading",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("status", models.CharField(max_length=32)),
                ("completes", models.PositiveIntegerField(null=True)),
                ("prescreens", models.PositiveIntegerField(null=True)),
                ("entrants", models.PositiveIntegerField(null=True)),
                ("incidence_rate", models.FloatField(blank=True, null=True)),
                ("drop_off_rate", models.FloatField(blank=True, null=True)),
                ("conversion_rate", models.FloatField(blank=True, null=True)),
                ("median_loi_seconds", models.PositiveIntegerField(null=True)),
                (
                    "epc",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=15, null=True),
                ),
                (
                    "epcm",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=15, null=True),
                ),
                (
                    "cpi",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=15, null=True),
                ),
                (
                    "average_cpi",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=15, null=True),
                ),
                (
                    "cost",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=18, null=True),
                ),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="readings",
                        to="fielding.targetgroup",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Rule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("scope", models.CharField(default="account", max_length=64)),
                ("code", models.CharField(max_length=64)),
                ("version", models.PositiveIntegerField(default=1)),
                ("enabled", models.BooleanField(default=True)),
                ("settings", models.JSONField(default=dict)),
                ("edited_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rules",
                        to="fielding.exchangeaccount",
                    ),
                ),
                (
                    "edited_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="fielding.targetgroup",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="fielding.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("page", models.CharField(max_length=32)),
                ("name", models.CharField(max_length=80)),
                ("query", models.TextField(blank=True, default="")),
                ("first", models.BooleanField(default=False)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_views",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Usual",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("country_code", models.CharField(blank=True, default="", max_length=2)),
                ("groups", models.PositiveIntegerField()),
                ("completes", models.FloatField()),
                ("shape", models.JSONField()),
                ("speed", models.FloatField(null=True)),
                ("prices", models.JSONField(default=dict)),
                ("learned_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="usual",
                        to="fielding.exchangeaccount",
                    ),
                ),
                (
                    "project",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="usual",
                        to="fielding.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Webhook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=64, unique=True)),
                ("url", models.CharField(max_length=500)),
                ("exchange_id", models.CharField(blank=True, default="", max_length=64)),
                (
                    "secret",
                    dashboard.fielding.models.fields.EncryptedTextField(blank=True, default=""),
                ),
                (
                    "earlier_secret",
                    dashboard.fielding.models.fields.EncryptedTextField(blank=True, default=""),
                ),
                ("earlier_until", models.DateTimeField(null=True)),
                ("registered_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="webhook",
                        to="fielding.exchangeaccount",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="WebhookEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event_id", models.CharField(max_length=200)),
                ("kind", models.CharField(max_length=100)),
                ("target_group", models.CharField(blank=True, default="", max_length=64)),
                ("raw", models.TextField()),
                ("received_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="webhook_events",
                        to="fielding.exchangeaccount",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="WebhookRefusal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("reason", models.CharField(max_length=32)),
                ("times", models.PositiveIntegerField(default=1)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="webhook_refusals",
                        to="fielding.exchangeaccount",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("email"), name="user_email_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("username"), name="user_name_once"
            ),
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(fields=["by", "-created_at"], name="batch_of_person"),
        ),
        migrations.AddConstraint(
            model_name="businessunit",
            constraint=models.UniqueConstraint(
                fields=("account", "exchange_id"), name="business_unit_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="exchangeuser",
            constraint=models.UniqueConstraint(
                fields=("account", "exchange_id"), name="exchange_user_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="completesday",
            constraint=models.UniqueConstraint(fields=("group", "day"), name="completes_day_once"),
        ),
        migrations.AddIndex(
            model_name="change",
            index=models.Index(fields=["group", "-occurred_at"], name="change_group_time"),
        ),
        migrations.AddIndex(
            model_name="change",
            index=models.Index(fields=["account", "-occurred_at"], name="change_account_time"),
        ),
        migrations.AddConstraint(
            model_name="change",
            constraint=models.UniqueConstraint(
                fields=("group", "batch_id", "position"), name="change_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="batchgroup",
            constraint=models.UniqueConstraint(fields=("job", "group"), name="batch_group_once"),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(fields=("user", "account"), name="membership_once"),
        ),
        migrations.AddIndex(
            model_name="note",
            index=models.Index(fields=["group", "-at"], name="note_group_time"),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(
                condition=models.Q(("mail__isnull", True), ("skipped", "")),
                fields=["recipient", "created_at"],
                name="notice_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.UniqueConstraint(
                fields=("incident", "kind", "sequence", "recipient"), name="notice_once"
            ),
        ),
        migrations.AddIndex(
            model_name="targetgroup",
            index=models.Index(fields=["project", "status"], name="group_project_status"),
        ),
        migrations.AddConstraint(
            model_name="targetgroup",
            constraint=models.UniqueConstraint(
                fields=("account", "exchange_id"), name="group_once"
            ),
        ),
        migrations.AddIndex(
            model_name="project",
            index=models.Index(fields=["urgency", "due_at"], name="project_turn"),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.UniqueConstraint(
                fields=("account", "exchange_id"), name="project_once"
            ),
        ),
        migrations.AddIndex(
            model_name="mute",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", True)),
                fields=["until"],
                name="mute_running",
            ),
        ),
        migrations.AddIndex(
            model_name="mail",
            index=models.Index(
                condition=models.Q(("state", "waiting")),
                fields=["next_try_at"],
                name="mail_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="mail",
            constraint=models.UniqueConstraint(
                fields=("recipient", "digest_day"), name="digest_once"
            ),
        ),
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(
                condition=models.Q(("state", "resolved"), _negated=True),
                fields=["account", "state"],
                name="incident_open",
            ),
        ),
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(fields=["group", "-breached_at"], name="incident_group_time"),
        ),
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(
                condition=models.Q(("state", "resolved"), _negated=True),
                fields=["evaluate_at"],
                name="incident_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "resolved"), _negated=True),
                fields=("key",),
                name="incident_open_once",
            ),
        ),
        migrations.AddIndex(
            model_name="edit",
            index=models.Index(fields=["group", "-started_at"], name="edit_group_time"),
        ),
        migrations.AddIndex(
            model_name="edit",
            index=models.Index(fields=["settled_at"], name="edit_settled"),
        ),
        migrations.AddIndex(
            model_name="edit",
            index=models.Index(
                condition=models.Q(("state__in", ["sending", "unknown"])),
                fields=["check_at"],
                name="edit_unsettled",
            ),
        ),
        migrations.AddConstraint(
            model_name="edit",
            constraint=models.CheckConstraint(
                condition=models.Q(("group", None), ("project", None), _connector="OR"),
                name="edit_of_one_at_most",
            ),
        ),
        migrations.AddConstraint(
            model_name="edit",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["sending", "unknown"])),
                fields=("group", "kind"),
                name="edit_one_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="edit",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "new_draft")),
                fields=("group",),
                name="edit_made_one_group",
            ),
        ),
        migrations.AddIndex(
            model_name="cycle",
            index=models.Index(fields=["account", "-started_at"], name="cycle_account_time"),
        ),
        migrations.AddIndex(
            model_name="cycle",
            index=models.Index(fields=["project", "-started_at"], name="cycle_project_time"),
        ),
        migrations.AddIndex(
            model_name="batchjob",
            index=models.Index(
                condition=models.Q(("check_at__isnull", False)),
                fields=["check_at"],
                name="batch_job_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="batchjob",
            constraint=models.UniqueConstraint(
                fields=("batch", "project"), name="batch_job_a_project"
            ),
        ),
        migrations.AddConstraint(
            model_name="quarantine",
            constraint=models.UniqueConstraint(
                fields=("account", "operation", "item_id"), name="quarantine_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="reading",
            constraint=models.UniqueConstraint(fields=("group", "at"), name="reading_once"),
        ),
        migrations.AddConstraint(
            model_name="rule",
            constraint=models.UniqueConstraint(
                fields=("account", "scope", "code"), name="rule_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(
                fields=("user", "page", "name"), name="saved_view_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(
                condition=models.Q(("first", True)),
                fields=("user", "page"),
                name="saved_view_first_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="usual",
            constraint=models.UniqueConstraint(
                condition=models.Q(("project", None)),
                fields=("account", "country_code"),
                name="usual_country_once",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookevent",
            index=models.Index(fields=["account", "-received_at"], name="webhook_event_time"),
        ),
        migrations.AddConstraint(
            model_name="webhookevent",
            constraint=models.UniqueConstraint(
                fields=("account", "event_id"), name="webhook_event_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookrefusal",
            constraint=models.UniqueConstraint(
                fields=("account", "hour", "reason"), name="webhook_refusal_once"
            ),
        ),
        migrations.RunPython(create_cache, drop_cache),
    ]
