"""Remove what belongs to a person who is deleted, and their name from sentences about others."""

from __future__ import annotations

import re
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.html import escape

from dashboard.fielding.models import Incident, Item, Mail, StatusAddress, User

# Sentences that name a person, by table: an incident of their edit, and the emails about it.
_SENTENCES: tuple[tuple[type[models.Model], tuple[str, ...]], ...] = (
    (Incident, ("headline", "sentence")),
    (Item, ("sentence",)),
    (Mail, ("subject", "text", "html")),
)
# What follows a name in them: "Dana Reyes's CPI change …", "Dana Reyes invites you to Fieldwatch".
_AFTER_NAME = r"(?=['’]s\b|&#x27;s\b|&#39;s\b|\s+invites\s+you\b)"


def delete_own_rows(user: User) -> None:
    """Delete every row that belongs to the person: those whose foreign key to them cascades.

    Rows that they made for others, such as edits and notes, stay and refer to the anonymous row.
    """
    for field in User._meta.get_fields(include_hidden=True):
        relation: Any = field  # Any: Django does not type relations from the other side
        if getattr(relation, "on_delete", None) is models.CASCADE:
            rows = relation.related_model._base_manager
            rows.filter(**{relation.field.name: user}).delete()
    Item.objects.filter(assigned_to=user).update(assigned_to=None)
    StatusAddress.objects.filter(address=user.email.lower()).delete()
    Mail.objects.filter(address__iexact=user.email).delete()


def replace_name(name: str, *, new: str) -> None:
    """Replace a person's name in the sentences about them, wherever lines break."""
    last_word = name.rsplit(maxsplit=1)[-1]
    for written, word in {(name, last_word), (escape(name), escape(last_word))}:
        blanks_between = r"\s+".join(map(re.escape, written.split()))
        pattern = re.compile(rf"(?<!\w){blanks_between}{_AFTER_NAME}")
        for model, columns in _SENTENCES:
            _replace(model, columns, word, pattern, new)


def _replace(
    model: type[models.Model],
    columns: tuple[str, ...],
    word: str,
    pattern: re.Pattern[str],
    new: str,
) -> None:
    rows = model._base_manager.filter(
        Q(*((f"{column}__contains", word) for column in columns), _connector=Q.OR)
    )
    for pk, *texts in rows.values_list("pk", *columns).iterator(chunk_size=500):
        changed = {
            column: pattern.sub(new, text)
            for column, text in zip(columns, texts, strict=True)
            if pattern.search(text)
        }
        if changed:
            model._base_manager.filter(pk=pk).update(**changed)
