"""Elasticities of accounts, countries, audiences and groups: learned every hour."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction

from dashboard.fielding.advice.audience import audience_of_group
from dashboard.fielding.advice.evidence import (
    Elasticity,
    PooledElasticities,
    PriceChange,
    PriceEvidence,
    pool_changes,
)
from dashboard.fielding.advice.measuring import measure_price_changes
from dashboard.fielding.domain.scope import OPEN_STATUSES
from dashboard.fielding.models import (
    ExchangeAccount,
    LearnedElasticity,
    PriceChangeEffect,
    TargetGroup,
)

LEARNED_FROM = timedelta(days=365)
ANY = ""  # instead of a country or an audience


def learn_elasticities(*, now: datetime) -> int:
    """Measure new price changes and learn the elasticities of every polled account; return the
    number of rows stored."""
    rows = 0
    for account in ExchangeAccount.objects.filter(polling=True):
        measure_price_changes(account, now=now)
        rows += learn_account(account, now=now)
    return rows


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


def _measured_changes(account: ExchangeAccount, now: datetime) -> Iterator[PriceChange]:
    rows = PriceChangeEffect.objects.filter(
        account=account, changed_at__gte=now - LEARNED_FROM, log_rate__isnull=False
    ).values_list(
        "group_id",
        "group__country_code",
        "group__expected_loi_minutes",
        "log_price",
        "log_rate",
        "error",
    )
    for group, country, minutes, log_price, log_rate, error in rows.order_by("pk"):
        if log_rate is not None and error is not None:
            audience = audience_of_group(minutes)
            yield PriceChange(str(group), country, audience, log_price, log_rate, error)


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
