from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fielding", "0047_items"),
    ]

    operations = [
        migrations.AddField(
            model_name="exchangeaccount",
            name="links_asked_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="exchangeaccount",
            name="links_offered",
            field=models.BooleanField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="targetgroup",
            name="links_left",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="targetgroup",
            name="links_read_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="targetgroup",
            name="links_total",
            field=models.PositiveIntegerField(null=True),
        ),
    ]
