from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fielding", "0021_edit_settled"),
    ]

    operations = [
        migrations.AddField(
            model_name="cycle",
            name="kinds",
            field=models.JSONField(null=True),
        ),
    ]
