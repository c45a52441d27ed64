from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fielding", "0040_group_fresh"),
    ]

    operations = [
        migrations.AlterField(
            model_name="edit",
            name="kind",
            field=models.CharField(max_length=32),
        ),
    ]
