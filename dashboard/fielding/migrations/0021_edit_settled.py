from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fielding", "0020_edit_given_up"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="edit",
            index=models.Index(fields=["settled_at"], name="edit_settled"),
        ),
    ]
