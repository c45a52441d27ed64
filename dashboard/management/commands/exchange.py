"""`manage.py exchange …`: connections to the exchange."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import msgspec
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import ExchangeError
from dashboard.fielding import audit
from dashboard.fielding.models import AuditKind, ExchangeAccount, Webhook
from dashboard.management import connection_options
from dashboard.management.connection_options import ConnectionFlags
from dashboard.sync.connections import clients, examine, store
from dashboard.sync.connections import remove as removal
from dashboard.sync.connections.check import ConnectionCheck
from dashboard.sync.connections.store import ConnectionRefused
from dashboard.sync.webhooks import subscription


class Command(BaseCommand):
    """Adds connections; the secret comes from the environment, never from the command line."""

    help = "Connections to Cint: add, change, list, check, remove, and their webhooks."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add one sub-command per verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        connection_options.add_options(
            verbs.add_parser("add", help="store a connection"), required=True
        )
        change = verbs.add_parser("change", help="change the settings that are given as flags")
        connection_options.add_options(change, required=False)
        change.add_argument(
            "--poll-seconds", type=int, help="seconds between polls; 0: the default, POLL_SECONDS"
        )
        change.add_argument(
            "--requests-per-minute", type=int, help="its own request budget; 0: no limit"
        )
        verbs.add_parser("list", help="print one line per connection")
        check = verbs.add_parser("check", help="check what Cint offers a connection; reads only")
        check.add_argument("name")
        remove = verbs.add_parser("remove", help="remove a connection and all its data")
        remove.add_argument("name")
        remove.add_argument("--yes", action="store_true", help="confirm: it cannot be undone")
        webhook = verbs.add_parser("webhook", help="manage the webhook of a connection")
        webhook.add_argument("name")
        webhook.add_argument("action", choices=["show", "add", "rotate", "remove"])
        webhook.add_argument("--url", help="where Cint reaches Fieldwatch")

    def handle(self, *args: object, **options: object) -> None:
        """Run the verb."""
        verbs = {
            "add": self.add_connection,
            "change": self.change_connection,
            "list": self.list_connections,
            "check": self.check_connection,
            "remove": self.remove_connection,
            "webhook": self.manage_webhook,
        }
        flags = msgspec.convert(options, ConnectionFlags)
        verbs[flags.verb](flags)

    def add_connection(self, flags: ConnectionFlags) -> None:
        """Store a connection and print its id."""
        connection_options.check_addresses(flags)
        if not flags.name.strip():
            raise CommandError("a connection needs a name")
        if flags.webhook:
            connection_options.check_public("--webhook", flags.webhook)
        account = ExchangeAccount(
            name=flags.name,
            exchange_id=flags.account_id or "",
            base_url=(flags.base_url or "").rstrip("/"),
            api_version=flags.api_version or "",
            **connection_options.credential_columns(flags),
        )
        with _report_wrong_settings():
            store.add_connection(account=account, origin=audit.command_line(), now=timezone.now())
        self.stdout.write(str(account.pk))
        if flags.webhook:
            try:
                self._register(account, flags.webhook)
            except CommandError as exc:  # the connection is stored in any case
                self.stderr.write(str(exc))

    def change_connection(self, flags: ConnectionFlags) -> None:
        """Store what the flags name and make the connection due now."""
        account, address = _find_account(flags.name), flags.webhook
        connection_options.check_addresses(flags)
        if address:
            connection_options.check_public("--webhook", address)
        columns = connection_options.changed_columns(flags, before=account)
        if not columns and not address:
            raise CommandError("nothing to change; give a flag such as --api-key-env VAR")
        if columns:
            origin, now = audit.command_line(), timezone.now()
            with _report_wrong_settings():
                store.change_connection(account=account, columns=columns, origin=origin, now=now)
            names = sorted("account_id" if name == "exchange_id" else name for name in columns)
            self.stdout.write(f"changed: {', '.join(names)}")
        if address:
            self._register(account, address)

    def list_connections(self, _flags: ConnectionFlags) -> None:
        """Print one line per connection: host, account, polling, last read."""
        accounts = list(ExchangeAccount.objects.filter(removed_at=None))
        for account in accounts:
            at = account.read_at
            read = f"last read {at:%Y-%m-%d %H:%MZ}" if at else "never read"
            self.stdout.write(
                f"{account.name}: {urlsplit(account.base_url).netloc}, "
                f"account {account.exchange_id}, "
                f"polling {'on' if account.polling else 'off'}, {read}"
            )
        if not accounts:
            self.stderr.write("No connections yet; add one with: exchange add NAME …")

    def check_connection(self, flags: ConnectionFlags) -> None:
        """Print one line per check; exit 1 if an operation that Fieldwatch needs fails."""
        account = _find_account(flags.name)
        client = _make_client(account)
        _record_event(AuditKind.CONNECTION_TESTED, account)
        spoilt = []
        for line in ConnectionCheck(client, account.exchange_id).lines():
            self.stdout.write(str(line))
            if line.spoils:
                spoilt.append(line)
        if spoilt:
            trial = clients.trial_client(account)  # the other may be paused by now
            problems = [str(problem) for problem in examine.find_problems(trial, account)]
            trial.close()
            for sentence in problems or [f"{line.label}: {line.remedy}" for line in spoilt]:
                self.stderr.write(sentence)
            raise SystemExit(1)

    def remove_connection(self, flags: ConnectionFlags) -> None:
        """Remove a connection and all its data; without --yes only say what that is."""
        account = _find_account(flags.name)
        held = removal.describe_removal(account)
        if not flags.yes:
            raise CommandError(
                f"{account.name} holds {held}. Nothing was removed. To delete all of it for good: "
                f"exchange remove {account.name} --yes"
            )
        hook = Webhook.objects.filter(account=account).exclude(registered_at=None).first()
        if hook:
            try:
                subscription.remove_webhook(hook=hook, client=_make_client(account))
            except (CommandError, ExchangeError) as exc:
                self.stderr.write(
                    f"Cint still sends events to {hook.url}, which no longer exists: {exc}"
                )
        _record_event(AuditKind.CONNECTION_REMOVED, account, held=held)
        removal.remove_account(account=account)
        self.stdout.write(f"removed: {account.name} with {held}")

    def manage_webhook(self, flags: ConnectionFlags) -> None:
        """Show, register, renew or remove the webhook of a connection."""
        account, action = _find_account(flags.name), flags.action
        hook = Webhook.objects.filter(account=account).first()
        if action == "add":
            if not flags.url:
                raise CommandError("add needs --url, where Cint reaches Fieldwatch")
            connection_options.check_public("--url", flags.url)
            self._register(account, flags.url)
        elif action == "show":
            self._show(account, hook)
        elif hook is None or not hook.secret:
            raise CommandError(f"{account.name} has no webhook; register one with: add --url URL")
        elif action == "rotate":
            with _report_refusals(account):
                subscription.rotate_secret(
                    hook=hook, client=_make_client(account), now=timezone.now()
                )
            _record_event(AuditKind.WEBHOOK_SECRET_CHANGED, account)
            self.stdout.write(
                "The webhook has a new secret; the old one is accepted for another hour."
            )
        else:
            with _report_refusals(account):
                subscription.remove_webhook(hook=hook, client=_make_client(account))
            _record_event(AuditKind.WEBHOOK_REMOVED, account)
            self.stdout.write("Removed the webhook. Changes are now found by polling only.")

    def _register(self, account: ExchangeAccount, root: str) -> None:
        """Register and say where; a connection whose webhook is refused works by polling."""
        with _report_refusals(account):
            hook = subscription.register_webhook(
                account=account, client=_make_client(account), root=root, now=timezone.now()
            )
        _record_event(AuditKind.WEBHOOK_ADDED, account, host=urlsplit(hook.url).netloc)
        self.stderr.write(f"Cint now sends changes to {hook.url}")

    def _show(self, account: ExchangeAccount, hook: Webhook | None) -> None:
        since = timezone.now() - timedelta(days=1)
        registered = hook and hook.secret and hook.registered_at
        self.stdout.write(f"registered {registered:%Y-%m-%d %H:%MZ}" if registered else "none")
        if hook:
            self.stdout.write(f"address    {hook.url}")
            if hook.lost_at:
                why = f"{hook.lost_because} Register it again: exchange webhook NAME add --url URL"
                self.stdout.write(f"lost       {hook.lost_at:%Y-%m-%d %H:%MZ} {why}")
        for heading, counts in (
            ("events", account.webhook_events.kinds_since(since)),
            ("refused", account.webhook_refusals.reasons_since(since)),
        ):
            for kind, number in counts.items():
                self.stdout.write(f"{heading:<10} {number} {kind} since {since:%Y-%m-%d %H:%MZ}")


def _find_account(name: str) -> ExchangeAccount:
    accounts = ExchangeAccount.objects.filter(removed_at=None)
    account = accounts.filter(name=name).first()
    if account is None:
        known = ", ".join(accounts.values_list("name", flat=True)) or "none yet"
        raise CommandError(f"no connection is named {name} (connections: {known})")
    return account


def _record_event(kind: AuditKind, account: ExchangeAccount, **details: object) -> None:
    """Record in the audit log what this command did to a connection."""
    origin, now = audit.command_line(), timezone.now()
    audit.record(kind=kind, origin=origin, now=now, account=account, details=details)


@contextmanager
def _report_wrong_settings() -> Iterator[None]:
    """Turn settings that cannot be stored into a CommandError that names their flags."""
    try:
        yield
    except ConnectionRefused as exc:
        flag = {"exchange_id": "account_id"}
        messages = (
            f"--{flag.get(name, name).replace('_', '-')}: {reason}" if name != "name" else reason
            for name, reason in exc.reasons.items()
        )
        raise CommandError(" ".join(messages)) from exc


def _make_client(account: ExchangeAccount) -> ExchangeClient:
    try:
        return clients.client_for(account)
    except ExchangeError as exc:
        raise CommandError(f"{account.base_url}: {exc}") from exc


@contextmanager
def _report_refusals(account: ExchangeAccount) -> Iterator[None]:
    """Turn a refusal of the exchange into a CommandError; the connection stays."""
    try:
        yield
    except ExchangeError as exc:
        raise CommandError(
            f"the webhook of {account.name}: {exc}. The connection works without it, by polling "
            "only. Try again with: exchange webhook NAME add --url URL"
        ) from exc
