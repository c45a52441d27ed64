"""`manage.py exchange …`: connections to the exchange."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.template.defaultfilters import pluralize
from django.utils import timezone

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import ExchangeError
from dashboard.fielding import audit
from dashboard.fielding.models import AuditKind, ExchangeAccount, Webhook
from dashboard.management import connection_options
from dashboard.sync import scheduling
from dashboard.sync.connections import clients
from dashboard.sync.connections import remove as forget
from dashboard.sync.connections.check import ConnectionCheck
from dashboard.sync.webhooks import subscription

# What a connection says of its reading before the first round.
_UNREAD = {
    "health": ExchangeAccount.Health.NEW,
    "health_reason": "",
    "read_at": None,
    "names_at": None,
    "first_pull_completed_at": None,
    "attempts": 0,
}


class Command(BaseCommand):
    """Adds connections; the secret comes from the environment, never from the command line."""

    help = "Connections to Cint: add, change, list, check, remove, and their webhooks."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One sub-command a verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        connection_options.add_options(
            verbs.add_parser("add", help="store a connection"), required=True
        )
        change = verbs.add_parser(
            "change", help="change what the flags name; the rest stays as it is"
        )
        connection_options.add_options(change, required=False)
        change.add_argument(
            "--poll-seconds", type=int, help="seconds between polls; 0: the default, POLL_SECONDS"
        )
        change.add_argument(
            "--requests-per-minute", type=int, help="its own budget of requests; 0: none"
        )
        verbs.add_parser("list", help="print a line a connection")
        check = verbs.add_parser("check", help="check what Cint offers a connection; reads only")
        check.add_argument("name")
        remove = verbs.add_parser("remove", help="remove a connection and all that was read of it")
        remove.add_argument("name")
        remove.add_argument("--yes", action="store_true", help="really, and for good")
        webhook = verbs.add_parser("webhook", help="manage the webhook of a connection")
        webhook.add_argument("name")
        webhook.add_argument("action", choices=["show", "add", "rotate", "remove"])
        webhook.add_argument("--url", help="where Cint reaches Fieldwatch")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb."""
        verbs = {
            "add": self.add,
            "change": self.change,
            "list": self.tell,
            "check": self.try_out,
            "remove": self.remove,
            "webhook": self.webhook,
        }
        verbs[options["verb"]](options)

    def add(self, options: dict[str, Any]) -> None:
        """Store a connection and print its id."""
        name = options["name"]
        if ExchangeAccount.objects.filter(name=name).exists():
            raise CommandError(f"there is already a connection named {name}")
        connection_options.check_addresses(options)
        if options["webhook"]:
            connection_options.check_public("--webhook", options["webhook"])
        account = ExchangeAccount(
            name=name,
            exchange_id=options["account_id"],
            due_at=timezone.now(),
            base_url=options["base_url"].rstrip("/"),
            api_version=options["api_version"],
            **connection_options.credential_columns(options),
        )
        _check(account)
        with transaction.atomic():
            account.save()
            _record(AuditKind.CONNECTION_ADDED, account, to=urlsplit(account.base_url).netloc)
        self.stdout.write(str(account.pk))
        if options["webhook"]:
            try:
                self._register(account, options["webhook"])
            except CommandError as exc:  # the connection is there all the same
                self.stderr.write(str(exc))

    def change(self, options: dict[str, Any]) -> None:
        """Store what the flags name; the next round begins at once."""
        account, address = _named(options["name"]), options["webhook"]
        connection_options.check_addresses(options)
        if address:
            connection_options.check_public("--webhook", address)
        columns = connection_options.changed_columns(options, before=account)
        if not columns and not address:
            raise CommandError("say what changes, such as --api-key-env VAR or --base-url URL")
        if columns:
            _store(account, columns)
            said = sorted("account_id" if name == "exchange_id" else name for name in columns)
            self.stdout.write(f"changed: {', '.join(said)}")
        if address:
            self._register(account, address)

    def tell(self, _options: dict[str, Any]) -> None:
        """Print a line a connection: where it leads, whether it is polled, when it was read."""
        accounts = list(ExchangeAccount.objects.all())
        for one in accounts:
            read = f"last read {one.read_at:%Y-%m-%d %H:%MZ}" if one.read_at else "never read"
            self.stdout.write(
                f"{one.name}: {urlsplit(one.base_url).netloc}, account {one.exchange_id}, "
                f"polling {'on' if one.polling else 'off'}, {read}"
            )
        if not accounts:
            self.stderr.write("There is no connection yet; store one with: exchange add NAME …")

    def try_out(self, options: dict[str, Any]) -> None:
        """Print a line a check; exit 1 if something that Fieldwatch cannot do without fails."""
        account = _named(options["name"])
        client = _client(account)
        _record(AuditKind.CONNECTION_TESTED, account)
        spoilt = False
        for line in ConnectionCheck(client, account.exchange_id).lines():
            self.stdout.write(str(line))
            spoilt |= line.spoils
        if spoilt:
            raise SystemExit(1)

    def remove(self, options: dict[str, Any]) -> None:
        """Remove a connection and all that is stored of it; without --yes only say what that is."""
        account = _named(options["name"])
        held = ", ".join(
            f"{count:,} {what}{pluralize(count)}"
            for what, count in forget.removal_summary(account).items()
        )
        if not options["yes"]:
            raise CommandError(
                f"{account.name} holds {held}. Nothing was removed; to forget all of it for good: "
                f"exchange remove {account.name} --yes"
            )
        hook = Webhook.objects.filter(account=account).exclude(registered_at=None).first()
        if hook:
            try:
                subscription.remove_webhook(hook=hook, client=_client(account))
            except (CommandError, ExchangeError) as exc:
                self.stderr.write(f"Cint still calls {hook.url}, which nobody answers: {exc}")
        _record(AuditKind.CONNECTION_REMOVED, account, held=held)
        forget.remove_account(account=account)
        self.stdout.write(f"removed: {account.name} with {held}")

    def webhook(self, options: dict[str, Any]) -> None:
        """Show, register, renew or remove the webhook of a connection."""
        account, action = _named(options["name"]), options["action"]
        hook = Webhook.objects.filter(account=account).first()
        if action == "add":
            if not options["url"]:
                raise CommandError("add needs --url, where Cint reaches Fieldwatch")
            connection_options.check_public("--url", options["url"])
            self._register(account, options["url"])
        elif action == "show":
            self._show(account, hook)
        elif hook is None or not hook.secret:
            raise CommandError(f"{account.name} has no webhook; register one with: add --url URL")
        elif action == "rotate":
            with _told(account):
                subscription.rotate_secret(hook=hook, client=_client(account), now=timezone.now())
            _record(AuditKind.WEBHOOK_SECRET_CHANGED, account)
            self.stdout.write(
                "The webhook has a new secret; the old one is accepted for another hour."
            )
        else:
            with _told(account):
                subscription.remove_webhook(hook=hook, client=_client(account))
            _record(AuditKind.WEBHOOK_REMOVED, account)
            self.stdout.write("Removed the webhook; polling alone sees changes now.")

    def _register(self, account: ExchangeAccount, root: str) -> None:
        """Register and say where; a connection whose webhook is refused works by polling."""
        with _told(account):
            hook = subscription.register_webhook(
                account=account, client=_client(account), root=root, now=timezone.now()
            )
        _record(AuditKind.WEBHOOK_ADDED, account, host=urlsplit(hook.url).netloc)
        self.stderr.write(f"Cint tells changes to {hook.url}")

    def _show(self, account: ExchangeAccount, hook: Webhook | None) -> None:
        since = timezone.now() - timedelta(days=1)
        registered = hook and hook.secret and hook.registered_at
        self.stdout.write(f"registered {registered:%Y-%m-%d %H:%MZ}" if registered else "none")
        if hook:
            self.stdout.write(f"address    {hook.url}")
            if hook.lost_at:
                why = f"{hook.lost_because} Register it again: exchange webhook NAME add --url URL"
                self.stdout.write(f"lost       {hook.lost_at:%Y-%m-%d %H:%MZ} {why}")
        told, refused = account.webhook_events, account.webhook_refusals
        for what, counts in (
            ("events", told.kinds_since(since)),
            ("refused", refused.reasons_since(since)),
        ):
            for word, number in counts.items():
                self.stdout.write(f"{what:<10} {number} {word} since {since:%Y-%m-%d %H:%MZ}")


def _named(name: str) -> ExchangeAccount:
    account = ExchangeAccount.objects.filter(name=name).first()
    if account is None:
        known = ", ".join(ExchangeAccount.objects.values_list("name", flat=True)) or "none yet"
        raise CommandError(f"no connection is named {name} (there are: {known})")
    return account


@transaction.atomic
def _store(account: ExchangeAccount, columns: dict[str, Any]) -> None:
    """Store these columns; another account's id only while nothing was read under this one."""
    if columns.get("exchange_id", account.exchange_id) != account.exchange_id:
        _check_unread(ExchangeAccount.objects.select_for_update().get(pk=account.pk))
        columns = columns | _UNREAD
    for name, value in columns.items():
        setattr(account, name, value)
    account.due_at = timezone.now()
    _check(account)
    account.save(update_fields=[*columns, "due_at"])
    plain = sorted(columns.keys() - _UNREAD.keys() - audit.CREDENTIALS)
    if columns.keys() & audit.CREDENTIALS:
        _record(AuditKind.CONNECTION_KEY_CHANGED, account)
    if plain:
        values = {name: str(columns[name]) for name in plain}
        _record(AuditKind.CONNECTION_CHANGED, account, **values)


def _record(kind: AuditKind, account: ExchangeAccount, **details: Any) -> None:
    """Keep in the audit log what was done to a connection here."""
    origin, now = audit.command_line(), timezone.now()
    audit.record(kind=kind, origin=origin, now=now, account=account, details=details)


def _check_unread(account: ExchangeAccount) -> None:
    """Refuse another account id once something was read: data never moves between accounts."""
    of = f"--account-id: {account.name}"
    read = (account.projects, account.exchange_users, account.business_units)
    if any(rows.exists() for rows in read):
        raise CommandError(
            f"{of} holds what was read of account {account.exchange_id}, which would be taken for "
            "another account's; store that one under a name of its own: exchange add NAME …"
        )
    if Webhook.objects.filter(account=account).exclude(registered_at=None).exists():
        raise CommandError(
            f"{of} has a webhook at account {account.exchange_id}; remove it first: "
            f"exchange webhook {account.name} remove"
        )
    working = account.lease not in ("", scheduling.QUEUED)
    if working and account.leased_until and account.leased_until > timezone.now():
        raise CommandError(f"{of} is being read at this moment; try again in a minute")


def _check(account: ExchangeAccount) -> None:
    try:
        account.full_clean()
    except ValidationError as exc:
        flag = {"exchange_id": "account_id"}
        told = (
            f"--{flag.get(name, name).replace('_', '-')}: {' '.join(words)}"
            for name, words in exc.message_dict.items()
        )
        raise CommandError(" ".join(told)) from exc


def _client(account: ExchangeAccount) -> ExchangeClient:
    try:
        return clients.client_for(account)
    except ExchangeError as exc:
        raise CommandError(f"{account.base_url}: {exc}") from exc


@contextmanager
def _told(account: ExchangeAccount) -> Iterator[None]:
    """End the command with what the exchange refuses; the connection itself stays."""
    try:
        yield
    except ExchangeError as exc:
        raise CommandError(
            f"the webhook of {account.name}: {exc}. The connection works without it, by polling "
            "alone; try again with: exchange webhook NAME add --url URL"
        ) from exc
