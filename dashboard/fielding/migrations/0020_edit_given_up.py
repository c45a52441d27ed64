import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fielding", "0019_draft_made_once"),
    ]

    operations = [
        migrations.AddField(
            model_name="edit",
            name="given_up_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="edit",
            name="state",
            field=models.CharField(
                choices=[
                    ("sending", "being sent"),
                    ("unknown", "not known yet"),
                    ("confirmed", "confirmed"),
                    ("rejected", "refused by the exchange"),
                    ("conflict", "changed by somebody else meanwhile"),
                    ("given_up", "given up"),
                ],
                default="sending",
                max_length=10,
            ),
        ),
    ]
