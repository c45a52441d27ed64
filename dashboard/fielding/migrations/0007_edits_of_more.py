import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fielding", "0006_budgets"),
    ]

    operations = [
        migrations.AddField(
            model_name="edit",
            name="project",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="edits",
                to="fielding.project",
            ),
        ),
        migrations.AlterField(
            model_name="edit",
            name="group",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="edits",
                to="fielding.targetgroup",
            ),
        ),
        migrations.AlterField(
            model_name="edit",
            name="kind",
            field=models.CharField(
                choices=[
                    ("cpi", "Cost per interview"),
                    ("filling_strategy", "Filling strategy"),
                    ("re_entry", "Re-entry"),
                    ("details", "Details"),
                    ("dates", "Fielding dates"),
                    ("goals", "Goals"),
                    ("budget", "Budget"),
                    ("time_zone", "Time zone"),
                ],
                max_length=32,
            ),
        ),
        migrations.AlterField(
            model_name="edit",
            name="wanted",
            field=models.JSONField(null=True),
        ),
        migrations.AddConstraint(
            model_name="edit",
            constraint=models.CheckConstraint(
                condition=models.Q(("group", None), ("project", None), _connector="XOR"),
                name="edit_of_one",
            ),
        ),
    ]
