"""Tables and columns take the trade's names; no value changes."""

from django.conf import settings
from django.db import migrations, models
from django.db.models import CASCADE


class Migration(migrations.Migration):
    dependencies = [("fielding", "0041_edit_kind_without_choices")]

    operations = [
        migrations.RenameModel("Usual", "Baseline"),
        migrations.RenameModel("Pulse", "Heartbeat"),
        migrations.RenameModel("Thinned", "ThinningProgress"),
        migrations.RenameModel("MailChoice", "MailPreferences"),
        migrations.RenameModel("GroupSheet", "GroupPanels"),
        migrations.RemoveConstraint("baseline", "usual_country_once"),
        migrations.AddConstraint(
            "baseline",
            models.UniqueConstraint(
                condition=models.Q(project=None),
                fields=("account", "country_code"),
                name="baseline_country_once",
            ),
        ),
        migrations.AlterField(
            "baseline",
            "account",
            models.ForeignKey(
                on_delete=CASCADE, related_name="baselines", to="fielding.exchangeaccount"
            ),
        ),
        migrations.AlterField(
            "baseline",
            "project",
            models.OneToOneField(
                null=True, on_delete=CASCADE, related_name="baseline", to="fielding.project"
            ),
        ),
        migrations.AlterField(
            "grouppanels",
            "group",
            models.OneToOneField(
                on_delete=CASCADE,
                primary_key=True,
                related_name="panels",
                serialize=False,
                to="fielding.targetgroup",
            ),
        ),
        migrations.AlterField(
            "mailpreferences",
            "user",
            models.OneToOneField(
                on_delete=CASCADE, related_name="mail_preferences", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.RenameField("project", "told_at", "webhook_changed_at"),
        migrations.RenameField("targetgroup", "told_at", "webhook_changed_at"),
        migrations.RenameField("targetgroup", "owed_at", "retry_at"),
        migrations.RenameField("targetgroup", "owes_since", "failing_since"),
        migrations.RenameField("targetgroup", "reconciling", "completes_may_fall"),
        migrations.RenameField("project", "pass_to", "pass_cursor"),
        migrations.RenameField("project", "pass_since", "pass_started_at"),
        migrations.RenameField("exchangeaccount", "whole_at", "first_pull_completed_at"),
        migrations.RenameField("cycle", "left", "groups_left"),
    ]
