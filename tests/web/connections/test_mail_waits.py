"""An email that is not sent yet says what it waits for, since when, and when it is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.fielding.models import ExchangeAccount, Heartbeat, Mail, User
from dashboard.web.connections.waits import Workers, mail_wait
from tests import factories
from tests.web.white_space import fold_white_space

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account(read_at=timezone.now())


@pytest.fixture
def administrator(account: ExchangeAccount) -> User:
    return factories.person("administrator", account)


def unsent(to: User, account: ExchangeAccount, now: datetime, **fields: Any) -> Mail:
    """An email that was due three minutes ago."""
    due = now - timedelta(minutes=3)
    given = {"created_at": due, "next_try_at": due, "subject": "Test", "text": "…"}
    return Mail.objects.create(
        account=account, recipient=to, address=to.email, message_id="<1@x>", **(given | fields)
    )


def pages(client: Client, account: ExchangeAccount, mail: Mail) -> list[str]:
    addresses = (f"/connections/{account.pk}/mail/", "/mails/", f"/mails/{mail.pk}/")
    return [fold_white_space(client.get(address).content.decode()) for address in addresses]


def test_an_email_that_no_worker_sends_says_so_wherever_it_is_listed(
    client: Client, administrator: User, account: ExchangeAccount, now: datetime
) -> None:
    Heartbeat.objects.create(name="work", at=now - timedelta(minutes=9))
    mail = unsent(administrator, account, now)
    client.force_login(administrator)
    for page in pages(client, account, mail):
        assert (
            f'Waiting for a worker since <time datetime="{mail.next_try_at:%Y-%m-%dT%H:%M}' in page
        )
        assert 'href="/help/operate/#no-worker-runs"' in page


def test_an_email_that_failed_says_why_and_when_it_is_tried_again(
    client: Client, administrator: User, account: ExchangeAccount, now: datetime
) -> None:
    Heartbeat.objects.create(name="work", at=now)
    later = now + timedelta(minutes=20)
    mail = unsent(administrator, account, now, next_try_at=later, error="Connection refused")
    client.force_login(administrator)
    for page in pages(client, account, mail):
        assert "<bdi>Connection refused.</bdi> Fieldwatch tries again at" in page
        assert f'<time datetime="{later:%Y-%m-%dT%H:%M}' in page


@pytest.mark.parametrize(
    "fields",
    [{"state": "sent"}, {"leased_until": timezone.now() + timedelta(hours=1)}],
    ids=["sent", "being sent"],
)
def test_an_email_that_is_sent_waits_for_nothing(
    administrator: User, account: ExchangeAccount, now: datetime, fields: dict[str, Any]
) -> None:
    mail = unsent(administrator, account, now, **fields)
    assert mail_wait(mail, Workers(now - timedelta(hours=1), now)) is None


@pytest.mark.parametrize("state", [Mail.State.SENT, Mail.State.DEAD])
def test_an_email_is_listed_once_however_many_connections_its_person_has(
    client: Client, account: ExchangeAccount, administrator: User, now: datetime, state: Mail.State
) -> None:
    """Else the administrators of one connection learn that there are others."""
    client.force_login(administrator)
    person = factories.person("viewer", account)
    for number, of in enumerate((account, None)):
        mail = unsent(person, account, now, state=state, subject=f"Topic {number}")
        Mail.objects.filter(pk=mail.pk).update(account=of, message_id=f"<{number}@x>")
    before = client.get(f"/connections/{account.pk}/mail/").content.decode()
    for _ in range(2):
        person.memberships.create(account=factories.account(), role="viewer")
    after = client.get(f"/connections/{account.pk}/mail/").content.decode()
    counts = [page.count(person.email) for page in (before, after)]
    assert counts[0] == counts[1] >= 3
