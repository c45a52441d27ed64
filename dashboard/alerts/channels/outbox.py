"""Send stored messages to their channels: lease, POST, store the result, as with emails.

No service can be asked whether a message arrived. Where no answer came, or a worker died in
between, the message is sent again and says so.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

import httpx
import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Coalesce

from dashboard.alerts.channels import compose
from dashboard.alerts.channels.allowed_addresses import AddressRefused, AllowedAddresses
from dashboard.alerts.channels.message import ChannelMessage
from dashboard.alerts.channels.post import PostAnswer, PostUnanswered, send_post
from dashboard.alerts.channels.schedule import store_message
from dashboard.alerts.channels.services import webhook
from dashboard.alerts.channels.services.registry import FORMATS
from dashboard.alerts.channels.services.service_format import encode_body
from dashboard.alerts.incidents.store import DAY
from dashboard.alerts.mail.outbox import (
    GIVE_UP_AFTER,
    LEASE,
    ROUND,
    backoff,
    lease_mail,
    mark_mail,
)
from dashboard.alerts.text import one_line
from dashboard.fielding.models import Channel, Mail
from dashboard.fielding.models.alerts import ACCOUNT_CLOSED

MAX_SENDERS = 2  # in parallel, so that a slow service leaves threads to polling and email
SENT_AGAIN_WITHIN = 14 * DAY  # how old an undelivered message may be
GONE = {401, 403, 404, 410}  # the webhook was removed, or does not let us in
TRY_LATER = {408, 425, 429}
PERHAPS = {502, 504}  # a gateway that lost the answer
SHORTEST_SECRET = 8  # characters of a step of an address
DEAD, WAITING = Mail.State.DEAD, Mail.State.WAITING


class SendPost(Protocol):
    """How a body is sent."""

    def __call__(
        self,
        url: httpx.URL,
        body: bytes,
        headers: dict[str, str],
        *,
        allowed: AllowedAddresses,
        now: datetime,
    ) -> PostAnswer:
        """Return the answer; PostUnanswered or AddressRefused as `send_post` says."""


class _Failure(Exception):
    """An attempt that failed; the text is the reason."""

    def __init__(
        self,
        reason: str,
        *,
        unanswered: bool = False,
        retry_after: float | None = None,
        is_final: bool = False,
        is_refusal: bool = False,
    ) -> None:
        super().__init__(reason)
        self.unanswered, self.retry_after = unanswered, retry_after
        self.is_final = is_final or is_refusal  # this message is not sent again
        self.is_refusal = is_refusal  # and no other to this channel


def allowed_addresses() -> AllowedAddresses:
    """Return where this installation sends messages."""
    return AllowedAddresses(settings.CHANNEL_ALLOWED_HOSTS, production=settings.PRODUCTION)


def send_due_messages(
    *,
    now: datetime,
    limit: int = 50,
    rng: random.Random | None = None,
    post: SendPost = send_post,
) -> int:
    """Send up to `limit` waiting messages, each leased just before; return how many arrived.

    After a failure the other messages to that channel wait for the next round.
    """
    began = time.monotonic()

    def clock() -> datetime:
        return now + timedelta(seconds=time.monotonic() - began)

    waiting = Mail.objects.filter(state=WAITING, channel__isnull=False)
    if waiting.filter(leased_until__gt=now).count() >= MAX_SENDERS:
        return 0
    due = waiting.filter(next_try_at__lte=now).exclude(leased_until__gt=now)
    sent, failed = 0, set()
    rng = rng or random.SystemRandom()
    rows = due.order_by("next_try_at", "pk").values_list("pk", "channel_id")
    for pk, channel_id in list(rows[:limit]):
        if clock() - now > ROUND:
            break
        if channel_id in failed:
            continue
        mail = lease_mail(pk, now=clock())
        if mail is None:
            continue
        arrived = _send_leased(mail, clock=clock, rng=rng, post=post)
        sent += arrived
        if not arrived:
            failed.add(channel_id)
    return sent


def send_channel_test(*, channel: Channel, now: datetime, post: SendPost = send_post) -> Mail:
    """Send a test immediately, once; return its row with the result. It ends a refusal."""
    message = compose.compose_channel_test(channel)
    mail = store_message(
        channel, message, now=now, account_id=channel.account_id, leased_until=now + LEASE
    )
    mail = Mail.objects.select_related("channel__owner").get(pk=mail.pk)
    _send_leased(mail, clock=lambda: now, rng=random.SystemRandom(), post=post)
    return Mail.objects.get(pk=mail.pk)


def send_dead_again(*, channel: Channel, now: datetime) -> int:
    """Put the undelivered messages of a channel back into the outbox; return how many."""
    dead = Mail.objects.filter(
        channel=channel, state=DEAD, created_at__gt=now - SENT_AGAIN_WITHIN, notices__isnull=False
    )
    pks = list(dead.distinct().values_list("pk", flat=True))
    with transaction.atomic():
        Channel.objects.filter(pk=channel.pk).update(refused=False)
        # They get a new day until they are given up.
        return Mail.objects.filter(pk__in=pks, state=DEAD).update(
            state=WAITING, attempts=0, created_at=now, next_try_at=now, leased_until=None, error=""
        )


def _send_leased(
    mail: Mail, *, clock: Callable[[], datetime], rng: random.Random, post: SendPost
) -> bool:
    """Send a leased message and store the result; return whether the service took it."""
    channel = mail.channel
    if channel is None:
        raise LookupError("an email has no channel")
    if channel.owner is not None and channel.owner.closed_at is not None:
        mark_mail(mail, state=DEAD, error=ACCOUNT_CLOSED)
        return False
    try:
        _post_message(mail, channel, post, now=clock())
    except _Failure as exc:
        _store_failure(mail, channel, exc, now=clock(), rng=rng)
        return False
    with transaction.atomic():
        mark_mail(mail, state=Mail.State.SENT, sent_at=clock(), error="")
        Channel.objects.filter(pk=channel.pk).update(
            last_sent_at=clock(), failing_since=None, error="", refused=False
        )
    return True


def _post_message(mail: Mail, channel: Channel, post: SendPost, *, now: datetime) -> None:
    """Send a message in the form of its service; _Failure unless the service took it."""
    form, allowed = FORMATS[channel.service], allowed_addresses()
    message = msgspec.convert(mail.message, ChannelMessage)
    body = encode_body(form, message, unanswered=mail.unanswered)
    headers = {"Fieldwatch-Message-Id": mail.message_id}  # for relays: the same on every attempt
    if channel.service == Channel.Service.WEBHOOK:
        headers |= webhook.sign_headers(body, key=channel.signing_key, now=now)
    try:
        url = allowed.check_address(channel.address, channel.service)
        answer = post(url, body, headers, allowed=allowed, now=now)
    except AddressRefused as exc:
        raise _Failure(str(exc).rstrip("."), is_refusal=True) from exc
    except PostUnanswered as exc:
        raise _Failure(str(exc), unanswered=exc.may_have_arrived) from exc
    _check_answer(answer, channel)


def _check_answer(answer: PostAnswer, channel: Channel) -> None:
    """Raise _Failure for any answer but a success."""
    if 200 <= answer.status < 300:
        return
    reason = f"{channel.get_service_display()} answered {answer.status}"
    if 300 <= answer.status < 400:
        raise _Failure(f"{reason}, a redirect, which is not followed", is_refusal=True)
    if text := _without_address(answer.text, channel):
        reason += f": {text}"
    if answer.status in GONE:
        raise _Failure(reason, is_refusal=True)
    if answer.status in TRY_LATER or answer.status >= 500:
        unanswered = answer.status in PERHAPS
        raise _Failure(reason, retry_after=answer.retry_after, unanswered=unanswered)
    raise _Failure(reason, is_final=True)


def _without_address(text: str, channel: Channel) -> str:
    """Return what a service said without the secret parts of the address."""
    steps = channel.address.replace("?", "/").replace("&", "/").split("/")
    secrets = [channel.address, *(step for step in steps if len(step) >= SHORTEST_SECRET)]
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "…")
    return one_line(text)


def _store_failure(
    mail: Mail, channel: Channel, failure: _Failure, *, now: datetime, rng: random.Random
) -> None:
    """Schedule another attempt, or give up; the channel says since when it fails, and why."""
    reason, unanswered = str(failure)[:500], mail.unanswered or failure.unanswered
    is_test = (mail.message or {}).get("kind") == "test"
    is_over = failure.is_final or is_test or now - mail.created_at >= GIVE_UP_AFTER
    wait = max(backoff(mail.attempts, rng), timedelta(seconds=failure.retry_after or 0))
    with transaction.atomic():
        if is_over:
            marked = mark_mail(mail, state=DEAD, error=reason, unanswered=unanswered)
        else:
            marked = mark_mail(mail, next_try_at=now + wait, error=reason, unanswered=unanswered)
        if not marked:
            return
        Channel.objects.filter(pk=channel.pk).update(
            failing_since=Coalesce("failing_since", Value(now)), error=reason
        )
        others = Mail.objects.filter(channel=channel, state=WAITING, leased_until=None)
        if failure.is_refusal:
            Channel.objects.filter(pk=channel.pk).update(refused=True)
            others.update(state=DEAD, error=reason)
        elif failure.retry_after:
            until = now + timedelta(seconds=failure.retry_after)
            others.filter(next_try_at__lt=until).update(next_try_at=until)
