from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fielding", "0016_edits_of_the_assistant"),
    ]

    operations = [
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
                    ("assistant", "Fielding assistant"),
                    ("budget", "Budget"),
                    ("time_zone", "Time zone"),
                    ("status", "Status"),
                    ("manager", "Project manager"),
                ],
                max_length=32,
            ),
        ),
    ]
