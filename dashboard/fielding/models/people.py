"""People and what each may do on which exchange account."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower

from dashboard.fielding.domain.text import breaks_line, one_line
from dashboard.fielding.models.fields import foreign_id
from dashboard.fielding.models.querysets.rows import MembershipQuerySet

NAMES = ("username", "first_name", "last_name")
LONGEST_LOGIN = 254  # characters of an email address; a username has fewer
NOT_ONE_LINE = "A name cannot contain line breaks or other control characters."


class UserManager(DjangoUserManager["User"]):
    """People found by their sign-in name or their e-mail address, whatever its case."""

    def get_by_natural_key(self, username: str | None) -> User:
        """The person who signs in with this name or address."""
        typed = (username or "").strip()
        if len(typed) > LONGEST_LOGIN:  # nobody's, and for SQLite an error
            raise self.model.DoesNotExist
        if "@" in typed:
            return self.get(email__iexact=typed)
        return self.get(username__iexact=typed)


class User(AbstractUser):
    """A person who signs in."""

    class Theme(models.TextChoices):
        """How pages look."""

        AUTO = "auto", "Match system"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    class Density(models.TextChoices):
        """How high the rows of long tables are."""

        COMPACT = "compact", "Compact: one line a row"
        COMFORTABLE = "comfortable", "Comfortable: details in each row"

    username = models.CharField("username", max_length=150, unique=True)
    email = models.EmailField("email address")
    time_zone = models.CharField(max_length=64, default="UTC")
    theme = models.CharField(max_length=5, choices=Theme, default=Theme.AUTO)
    density = models.CharField(
        max_length=11, choices=Density, default=Density.COMPACT, db_default=Density.COMPACT
    )
    # When they last looked at the home page, to the minute; and when the visit before this ended.
    seen_at = models.DateTimeField(null=True, blank=True)
    last_visit_at = models.DateTimeField(null=True, blank=True)
    # Set when a person's address was refused by a mail server for good (5xx); shown to them.
    email_refused = models.TextField(default="", blank=True)
    # Set when an administrator closed this person's account (a leaver); `is_active` is false then.
    closed_at = models.DateTimeField(null=True, blank=True)
    # Set when the person was deleted: the row stays as a stump, so that what they did keeps a name.
    deleted_at = models.DateTimeField(null=True, blank=True)

    # Whether a verified address alone joins the first identity of single sign-on; not after the
    # person has removed one.
    joins_by_address = models.BooleanField(default=True, db_default=True)
    # Whether the person may add a connection although they administer none: the first administrator
    # of an installation, and whoever removed their last connection.
    may_add_connections = models.BooleanField(default=False, db_default=False)

    objects: ClassVar[UserManager] = UserManager()

    class Meta(AbstractUser.Meta):  # type: ignore[name-defined,misc]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_once"),
            models.UniqueConstraint(Lower("username"), name="user_name_once"),
        ]

    def __str__(self) -> str:
        return one_line(self.get_full_name() or self.username)  # a line, also in mails

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """Refuse names that hold a line break or another control character."""
        super().clean_fields(exclude=exclude)
        names = [name for name in NAMES if name not in (exclude or ())]
        wrong = {name: NOT_ONE_LINE for name in names if breaks_line(getattr(self, name))}
        if wrong:
            raise ValidationError(wrong)

    # Any: the signature is Django's own.
    def save(self, *args: Any, **options: Any) -> None:
        """Store names on one line, whoever gave them."""
        for name in NAMES:
            if breaks_line(text := getattr(self, name)):
                setattr(self, name, one_line(text))
        super().save(*args, **options)


class Membership(models.Model):
    """What a person may do on an exchange account, and who they are there."""

    class Role(models.TextChoices):
        """Each role may all that the ones before it may."""

        MAIL = "mail", "Email only"  # an address that is told and cannot sign in
        VIEWER = "viewer", "Viewer"
        EDITOR = "editor", "Editor"
        ADMINISTRATOR = "administrator", "Administrator"

        @classmethod
        def of_people(cls) -> list[tuple[str, str]]:
            """The roles of those who sign in, as choices."""
            return [(role.value, role.label) for role in cls if role is not cls.MAIL]

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    account = models.ForeignKey(
        "fielding.ExchangeAccount", models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=13, choices=Role)
    exchange_user_id = foreign_id(blank=True, default="")
    # Whether the groups of the identity provider decide the role, at each single sign-on.
    by_groups = models.BooleanField(default=False, db_default=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "account"], name="membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.role} of {self.account}"

    @property
    def may_edit(self) -> bool:
        """Whether this person may change what runs on the exchange."""
        return self.role in (self.Role.EDITOR, self.Role.ADMINISTRATOR)

    @property
    def may_administer(self) -> bool:
        """Whether this person may change connections, people and rules."""
        return self.role == self.Role.ADMINISTRATOR


class SetupCode(models.Model):
    """The one-time code that lets somebody at the terminal make the first administrator.

    At most one row: a new code replaces the last.
    """

    code_hash = models.CharField(max_length=64)  # SHA-256 of the code, hexadecimal
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"setup code of {self.created_at:%Y-%m-%d %H:%MZ}"


class SavedView(models.Model):
    """A table under a name of its own: filters, columns, order, as its address has them."""

    user = models.ForeignKey(User, models.CASCADE, related_name="saved_views")
    page = models.CharField(max_length=32)  # the name of the page's address
    name = models.CharField(max_length=80)
    query = models.TextField(blank=True, default="")  # without the question mark
    # What the page shows when its address asks for nothing.
    first = models.BooleanField(default=False)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "page", "name"], name="saved_view_once"),
            models.UniqueConstraint(
                fields=["user", "page"],
                name="saved_view_first_once",
                condition=models.Q(first=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name
