"""What was: readings, the completes time series, the changelog, and what was learned of them."""

from __future__ import annotations

from django.db import models

from dashboard.fielding.models.exchange import ExchangeAccount
from dashboard.fielding.models.fields import Document, amount_field, foreign_id, rate_field
from dashboard.fielding.models.groups import Project, TargetGroup
from dashboard.fielding.models.querysets.rows import ChangeQuerySet, PriceChangeQuerySet
from dashboard.fielding.models.querysets.series import CompletesDayQuerySet, ReadingQuerySet


class Reading(models.Model):
    """The figures of a group at a moment, written only when one of them had changed."""

    group = models.ForeignKey(TargetGroup, models.CASCADE, related_name="readings")
    at = models.DateTimeField()
    status = models.CharField(max_length=32)
    completes = models.PositiveIntegerField(null=True)
    prescreens = models.PositiveIntegerField(null=True)
    entrants = models.PositiveIntegerField(null=True)
    incidence_rate = rate_field()
    drop_off_rate = rate_field()
    conversion_rate = rate_field()
    median_loi_seconds = models.PositiveIntegerField(null=True)
    epc = amount_field()
    epcm = amount_field()
    cpi = amount_field()
    average_cpi = amount_field()
    cost = amount_field(max_digits=18)

    objects = ReadingQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "at"], name="reading_once")]

    def __str__(self) -> str:
        return f"{self.group_id} at {self.at:%Y-%m-%d %H:%M}Z"


class CompletesDay(models.Model):
    """The completes of a group through one UTC day: cumulative counts at the end of each hour.

    `hours` packs 24 little-endian int32: slot h is the count at (h+1):00Z, so 00:00Z is the last
    slot of the day before; -1 is a gap. `odd` keeps stamps off the hour: [[iso time, count], …].
    """

    group = models.ForeignKey(TargetGroup, models.CASCADE, related_name="completes_days")
    day = models.DateField()
    hours = models.BinaryField(max_length=96)
    odd = Document(null=True)

    objects = CompletesDayQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "day"], name="completes_day_once")]

    def __str__(self) -> str:
        return f"{self.group_id} on {self.day}"


class Change(models.Model):
    """One change of a group's settings, as the exchange's changelog tells it."""

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="changes")
    group = models.ForeignKey(TargetGroup, models.CASCADE, related_name="changes")
    batch_id = foreign_id()
    position = models.PositiveSmallIntegerField(default=0)
    occurred_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    actor_type = models.CharField(max_length=64, blank=True, default="")
    actor_id = foreign_id(blank=True, default="")
    kind = models.CharField(max_length=100)
    old = Document(null=True)
    new = Document(null=True)
    reason_code = models.CharField(max_length=100, blank=True, default="")

    objects = ChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "batch_id", "position"], name="change_once"),
        ]
        indexes = [
            models.Index(fields=["group", "-occurred_at"], name="change_group_time"),
            models.Index(fields=["account", "-occurred_at"], name="change_account_time"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.occurred_at:%Y-%m-%d %H:%M}Z"


class PriceChange(models.Model):
    """A change of a group's CPI, who made it, and what followed it as it was last measured."""

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="price_changes")
    group = models.ForeignKey(TargetGroup, models.CASCADE, related_name="price_changes")
    at = models.DateTimeField()
    # Made through Fieldwatch: the edit, and by whom. Both null: elsewhere, as the changelog says.
    edit = models.ForeignKey("fielding.Edit", models.SET_NULL, null=True, related_name="+")
    by = models.ForeignKey("fielding.User", models.SET_NULL, null=True, related_name="+")
    actor_type = models.CharField(max_length=64, blank=True, default="")
    actor_id = foreign_id(blank=True, default="")
    old_cpi = amount_field()
    new_cpi = amount_field()
    currency = models.CharField(max_length=3, blank=True, default="")
    effect = Document(default=dict)  # `figures.price_effects.StoredEffect`
    measured_at = models.DateTimeField()

    objects = PriceChangeQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "at"], name="price_change_once")]
        indexes = [models.Index(fields=["account", "-at"], name="price_change_account_time")]

    def __str__(self) -> str:
        return f"CPI of {self.group_id} at {self.at:%Y-%m-%d %H:%M}Z"


class Baseline(models.Model):
    """What the groups of a project tell of a new one; without a project, those of a country;
    without a country either, those of the whole account.

    `shape` is 168 weights by local hour of the week, from Monday. `level` and `fade` are logs
    (`forecast.pooling`): completes a day over those of an even plan, and the rate after the first
    day over the rate on it; a project's are what it adds to its country's. `varies` is how far
    the fades of groups are apart, of the account alone. `prices` has the median CPI by country
    and currency ("de EUR").
    """

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="baselines")
    project = models.OneToOneField(Project, models.CASCADE, null=True, related_name="baseline")
    country_code = models.CharField(max_length=2, blank=True, default="")
    groups = models.PositiveIntegerField()
    completes = models.FloatField()
    shape = Document()
    level = models.FloatField(null=True)
    fade = models.FloatField(null=True)
    varies = models.FloatField(null=True)
    prices = Document(default=dict)
    learned_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "country_code"],
                name="baseline_country_once",
                condition=models.Q(project=None),
            ),
        ]

    def __str__(self) -> str:
        return f"baseline of {self.project_id or self.country_code}"


class LearnedElasticity(models.Model):
    """The elasticity of completes to CPI that `fielding.advice` learned: of a group that had a
    change of CPI itself, or, without a group, of a country and an audience of the account (both
    empty: the account).

    mean and sd: of a normal distribution of which what is below 0 is 0. own, in_country, elsewhere:
    how many measured changes it rests on, of the group, of others in its country, of the rest.
    """

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="elasticities")
    group = models.OneToOneField(
        TargetGroup, models.CASCADE, null=True, related_name="learned_elasticity"
    )
    country_code = models.CharField(max_length=2, blank=True, default="")
    audience = models.CharField(max_length=20, blank=True, default="")
    mean = models.FloatField()
    sd = models.FloatField()
    own = models.PositiveIntegerField(default=0)
    in_country = models.PositiveIntegerField(default=0)
    elsewhere = models.PositiveIntegerField(default=0)
    learned_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "country_code", "audience"],
                name="elasticity_once",
                condition=models.Q(group=None),
            ),
        ]

    def __str__(self) -> str:
        return f"elasticity of {self.group_id or self.country_code or self.account_id}"
