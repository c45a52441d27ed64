from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fielding", "0015_thinned"),
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
                ],
                max_length=32,
            ),
        ),
    ]
