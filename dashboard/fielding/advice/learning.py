"""Elasticities of accounts, countries, audiences and groups: learned every hour."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import log

from django.db import transaction

from dashboard.fielding.advice.audience import audience_of_group
from dashboard.fielding.advice.evidence import (
    Elasticity,
    MeasuredChange,
    PooledElasticities,
    PriceEvidence,
    pool_changes,
)
from dashboard.fielding.domain.scope import OPEN_STATUSES
from dashboard.fielding.figures.price_effects import StoredEffect
from dashboard.fielding.models import ExchangeAccount, LearnedElasticity, PriceChange, TargetGroup

LEARNED_FROM = timedelta(days=365)
LEAST_AGE = timedelta(hours=12)  # of a change: before that, little is known of it
ANY = ""  # instead of a country or an audience


def learn_elasticities(*, now: datetime) -> int:
    """Learn the elasticities of every polled account; return the number of rows stored."""
    accounts = ExchangeAccount.objects.filter(polling=True)
    return sum(learn_account(account, now=now) for account in accounts)


def learn_account(account: ExchangeAccount, *, now: datetime) -> int:
    """Learn the elasticities of an account from its measured changes; return their number.

    Nothing is stored before a change was measured: then the usual range holds.
    """
    changes = list(_measured_changes(account, now))
    rows = list(_rows_of_account(account, pool_changes(changes), now)) if changes else []
    with transaction.atomic():
        LearnedElasticity.objects.filter(account=account).delete()
        LearnedElasticity.objects.bulk_create(rows)
    return len(rows)


def _measured_changes(account: ExchangeAccount, now: datetime) -> Iterator[MeasuredChange]:
    """Yield what is known of each change of CPI, once it is half a day old."""
    rows = PriceChange.objects.filter(
        account=account,
        at__gte=now - LEARNED_FROM,
        at__lte=now - LEAST_AGE,
        effect__error__isnull=False,
        old_cpi__gt=0,
        new_cpi__gt=0,
    ).values_list(
        "group_id",
        "group__country_code",
        "group__expected_loi_minutes",
        "old_cpi",
        "new_cpi",
        "effect",
    )
    for group, country, minutes, old, new, stored in rows.order_by("pk"):
        effect = StoredEffect.from_stored(stored)
        if effect.ratio and effect.error and old and new:
            audience, log_price = audience_of_group(minutes), log(new / old)
            log_rate = log(effect.ratio)
            yield MeasuredChange(str(group), country, audience, log_price, log_rate, effect.error)


def _rows_of_account(
    account: ExchangeAccount, pooled: PooledElasticities, now: datetime
) -> Iterator[LearnedElasticity]:
    """Yield a row for the account, for each country and audience of open groups, and for each open
    group with changes of its own."""
    yield _row(account, pooled.elasticity(ANY, ANY), pooled.evidence(ANY, ANY), now)
    groups = TargetGroup.objects.filter(account=account, status__in=OPEN_STATUSES)
    seen = {(ANY, ANY)}
    for pk, country, minutes in groups.values_list("pk", "country_code", "expected_loi_minutes"):
        audience = audience_of_group(minutes)
        if (country, audience) not in seen:
            seen.add((country, audience))
            row = _row(
                account, pooled.elasticity(country, audience), pooled.evidence(ANY, country), now
            )
            row.country_code, row.audience = country, audience
            yield row
        if str(pk) in pooled.groups:
            evidence = pooled.evidence(str(pk), country)
            row = _row(account, pooled.groups[str(pk)], evidence, now)
            row.country_code, row.audience, row.group_id = country, audience, pk
            yield row


def _row(
    account: ExchangeAccount, elasticity: Elasticity, evidence: PriceEvidence, now: datetime
) -> LearnedElasticity:
    return LearnedElasticity(
        account=account,
        mean=round(elasticity.mean, 4),
        sd=round(elasticity.sd, 4),
        own=evidence.own,
        in_country=evidence.country,
        elsewhere=evidence.elsewhere,
        learned_at=now,
    )
