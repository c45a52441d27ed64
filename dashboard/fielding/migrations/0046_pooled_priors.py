from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fielding", "0045_labels_of_the_trade"),
    ]

    operations = [
        migrations.RemoveField(model_name="baseline", name="speed"),
        migrations.AddField(
            model_name="baseline", name="level", field=models.FloatField(null=True)
        ),
        migrations.AddField(model_name="baseline", name="fade", field=models.FloatField(null=True)),
        migrations.AddField(
            model_name="baseline", name="varies", field=models.FloatField(null=True)
        ),
    ]
