"""How completes follow CPI: what was measured, what was learned of it, and advice that was
followed."""

from __future__ import annotations

from django.db import models

from dashboard.fielding.models.edits import Edit
from dashboard.fielding.models.exchange import ExchangeAccount
from dashboard.fielding.models.fields import amount_field
from dashboard.fielding.models.groups import TargetGroup
from dashboard.fielding.models.people import User


class PriceChangeEffect(models.Model):
    """What followed a change of a group's CPI, as `fielding.effects` measured it.

    log_price and log_rate: logs of CPI and of completes an hour, new over old; error: the standard
    error of the latter. Both are null where the effect cannot be told, or not yet. is_final: its
    week is over, and it is not measured again.
    """

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="price_effects")
    group = models.ForeignKey(TargetGroup, models.CASCADE, related_name="price_effects")
    changed_at = models.DateTimeField()
    log_price = models.FloatField()
    log_rate = models.FloatField(null=True)
    error = models.FloatField(null=True)
    measured_at = models.DateTimeField()
    is_final = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "changed_at"], name="price_effect_once"),
        ]
        indexes = [models.Index(fields=["account", "changed_at"], name="price_effect_account")]

    def __str__(self) -> str:
        return f"CPI of {self.group_id} at {self.changed_at:%Y-%m-%d %H:%M}Z"


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


class AdviceRecord(models.Model):
    """Advice on a CPI that was followed: what it foretold, and what came.

    an_hour: completes an hour from the raise on; ratio: those over what today's CPI would bring;
    low, middle and high are p10, p50 and p90. Money is in `currency`. settled_at: when what came
    was known; closed_at: when the final cost was.
    """

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="advice_records")
    group = models.ForeignKey(TargetGroup, models.CASCADE, related_name="advice_records")
    edit = models.OneToOneField(Edit, models.SET_NULL, null=True, related_name="advice_record")
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=40)  # a `PlanKind`
    followed_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    goal = models.PositiveIntegerField()
    completes = models.PositiveIntegerField()  # when it was followed
    currency = models.CharField(max_length=3)
    old_cpi = amount_field()
    new_cpi = amount_field()
    an_hour_low = models.FloatField()
    an_hour_middle = models.FloatField()
    an_hour_high = models.FloatField()
    ratio_low = models.FloatField()
    ratio_high = models.FloatField()
    chance = models.FloatField()
    cost_low = amount_field(max_digits=18)
    cost_middle = amount_field(max_digits=18)
    cost_high = amount_field(max_digits=18)
    cost_at_goal = amount_field(max_digits=18)

    settled_at = models.DateTimeField(null=True, db_index=True)
    an_hour_seen = models.FloatField(null=True)
    ratio_seen = models.FloatField(null=True)
    is_held = models.BooleanField(null=True)  # whether `an_hour_seen` is within the range
    closed_at = models.DateTimeField(null=True)
    is_goal_met = models.BooleanField(null=True)
    cost_seen = amount_field(max_digits=18)

    class Meta:
        indexes = [
            models.Index(fields=["account", "-followed_at"], name="advice_account_time"),
            models.Index(
                fields=["followed_at"], name="advice_open", condition=models.Q(closed_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.group_id} at {self.followed_at:%Y-%m-%d %H:%M}Z"
