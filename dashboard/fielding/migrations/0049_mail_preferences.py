from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

WEEKEND = "67"


def keep_weekends(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Leave no day quiet for those without quiet weekends; all others have the default."""
    rows = apps.get_model("fielding", "MailPreferences").objects.filter(quiet_weekends=False)
    rows.update(quiet_days="")


def restore_weekends(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Keep weekends quiet for those who have both of their days quiet."""
    rows = apps.get_model("fielding", "MailPreferences").objects
    rows.exclude(quiet_days__contains=WEEKEND).update(quiet_weekends=False)


class Migration(migrations.Migration):
    """What emails are about, quiet days instead of quiet weekends, and quiet for critical ones."""

    dependencies = [
        ("fielding", "0048_survey_links"),
    ]

    operations = [
        migrations.AddField(
            model_name="mailpreferences",
            name="about",
            field=models.CharField(
                choices=[
                    ("groups", "my groups"),
                    ("projects", "my projects"),
                    ("chosen", "chosen projects"),
                    ("everything", "everything"),
                ],
                default="everything",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="mailpreferences",
            name="chosen_projects",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="mailpreferences",
            name="quiet_critical",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="mailpreferences",
            name="quiet_days",
            field=models.CharField(blank=True, default=WEEKEND, max_length=7),
        ),
        migrations.RunPython(keep_weekends, restore_weekends),
        migrations.RemoveField(model_name="mailpreferences", name="quiet_weekends"),
    ]
