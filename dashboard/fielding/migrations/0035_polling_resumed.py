from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fielding", "0034_downtime"),
    ]

    operations = [
        migrations.AddField(
            model_name="exchangeaccount",
            name="resumed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
