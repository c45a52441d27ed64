"""Members are linked to the exchange user with their email address."""

from __future__ import annotations

import pytest

from dashboard.fielding.models import ExchangeUser, Membership
from dashboard.sync.pull.account import link_people
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("emails", "chosen", "linked"),
    [
        (["ANNA@example.com", "ben@example.com"], "", "0"),
        (["ben@example.com"], "", ""),
        (["anna@example.com", "anna@example.com"], "", ""),  # which of them nobody knows
        (["anna@example.com"], "other", "other"),  # what a person chose stays
    ],
)
def test_a_member_is_linked_to_the_only_user_with_their_address(
    emails: list[str], chosen: str, linked: str
) -> None:
    account = factories.account()
    for number, email in enumerate(emails):
        ExchangeUser.objects.create(account=account, exchange_id=str(number), email=email)
    elsewhere = factories.account()
    ExchangeUser.objects.create(account=elsewhere, exchange_id="9", email="anna@example.com")
    anna = factories.person("editor", account, email="anna@example.com", exchange_user_id=chosen)
    link_people(account)
    assert Membership.objects.get(user=anna).exchange_user_id == linked
