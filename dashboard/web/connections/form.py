"""The form of a connection: what is typed, and the connection that it describes."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.http import QueryDict

from dashboard.fielding.models import ExchangeAccount
from dashboard.sync.connections.examine import ConnectionReport
from dashboard.web.formatting.typed_numbers import TypedIntegerField

API_KEY, CLIENT = ExchangeAccount.Auth.API_KEY, ExchangeAccount.Auth.CLIENT_CREDENTIALS
SECRETS = ("api_key", "client_secret")
TYPE_AGAIN = "Enter it again: what you typed is not shown."
# The field of this form for each column of a connection.
_FIELDS = {"exchange_id": "account_id"}
_PLAIN_HOSTS = ("localhost", "127.", "[::1]")


def _secret_input() -> forms.PasswordInput:
    """An input that is never filled in, by us or by a password manager."""
    return forms.PasswordInput({"autocomplete": "new-password", "spellcheck": "false"})


def suggested_addresses(path: str, *, skip: Iterable[str] = ()) -> list[str]:
    """Addresses below the hosts that connections may use, each with this path; not the demo's."""
    hosts = [host for host in settings.EXCHANGE_ALLOWED_HOSTS if not host.startswith(".")]
    return [
        f"{'http' if host.startswith(_PLAIN_HOSTS) else 'https'}://{host.removesuffix(':*')}{path}"
        for host in hosts
        if host and host not in skip
    ]


class ConnectionForm(forms.Form):
    """A connection as it is typed; secrets are never shown again."""

    name = forms.CharField(
        label="Name in Fieldwatch", max_length=64, help_text="Your company or team, for example."
    )
    account_id = forms.CharField(
        label="Account id", max_length=64, help_text="The number of your account at Cint."
    )
    base_url = forms.CharField(
        label="Address of the API",
        max_length=500,
        widget=forms.URLInput({"list": "api-addresses", "autocomplete": "off"}),
    )
    auth = forms.ChoiceField(
        label="Credentials", choices=ExchangeAccount.Auth.choices, widget=forms.RadioSelect
    )
    api_key = forms.CharField(
        label="API key", max_length=4000, required=False, widget=_secret_input()
    )
    token_url = forms.CharField(
        label="Token address",
        max_length=500,
        required=False,
        widget=forms.URLInput({"list": "token-addresses", "autocomplete": "off"}),
    )
    client_id = forms.CharField(
        label="Client id",
        max_length=200,
        required=False,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    client_secret = forms.CharField(
        label="Client secret", max_length=4000, required=False, widget=_secret_input()
    )
    audience = forms.CharField(
        label="Audience",
        max_length=500,
        required=False,
        help_text="Only if Cint gave you one.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    poll_seconds = TypedIntegerField(
        label="Seconds between polls", min_value=10, max_value=86_400, required=False
    )
    requests_per_minute = TypedIntegerField(
        label="Requests per minute", min_value=0, max_value=100_000, required=False
    )

    def __init__(
        self,
        data: QueryDict | None,
        *,
        account: ExchangeAccount | None = None,
        demo_hosts: Iterable[str] = (),
    ) -> None:
        self.account = account
        self.api_addresses = suggested_addresses("/v1", skip=demo_hosts)
        self.token_addresses = suggested_addresses("/oauth/token", skip=demo_hosts)
        super().__init__(data, initial=self._initial(account))
        if account is None:
            del self.fields["poll_seconds"], self.fields["requests_per_minute"]
            return
        del self.fields["name"]
        kept = "Leave it empty to keep the current one."
        self.fields[_secret_field(account.auth)].help_text = kept
        self.fields["poll_seconds"].help_text = f"Empty: the default, {settings.POLL_SECONDS}."
        self.fields[
            "requests_per_minute"
        ].help_text = f"Empty: the default, {settings.REQUESTS_PER_MINUTE}; 0: no limit."

    def _initial(self, account: ExchangeAccount | None) -> dict[str, object]:
        if account is None:
            token = next((url for url in self.token_addresses if "//auth." in url), "")
            return {
                "auth": API_KEY,
                "base_url": next(iter(self.api_addresses), ""),
                "token_url": token or next(iter(self.token_addresses), ""),
            }
        names = ("base_url", "auth", "token_url", "client_id", "audience")
        numbers = ("poll_seconds", "requests_per_minute")
        values = {name: getattr(account, name) for name in (*names, *numbers)}
        return values | {"account_id": account.exchange_id}

    def clean_base_url(self) -> str:
        """Return the address without slashes at its end."""
        return str(self.cleaned_data["base_url"]).rstrip("/")

    def clean(self) -> dict[str, object]:
        """Ask for what the chosen kind of credentials needs."""
        auth = self.cleaned_data.get("auth")
        if auth == CLIENT:
            for name in ("token_url", "client_id"):
                if not self.cleaned_data.get(name):
                    self.add_error(name, "Client credentials need it.")
        if auth and not self.cleaned_data.get(_secret_field(auth)) and not self._keeps_secret():
            self._ask_for_secret(auth)
        return self.cleaned_data

    def _keeps_secret(self) -> bool:
        """Whether the stored secret may go on being used: for the same hosts, in the same way."""
        account = self.account
        return (
            account is not None
            and account.auth == self.cleaned_data.get("auth")
            and _host(account.base_url) == _host(self.cleaned_data.get("base_url", ""))
            and (
                account.auth == API_KEY
                or _host(account.token_url) == _host(self.cleaned_data.get("token_url", ""))
            )
        )

    def _ask_for_secret(self, auth: str) -> None:
        label = self.fields[_secret_field(auth)].label
        reason = f"Enter the {str(label).replace('API', 'api').lower().replace('api', 'API')}."
        if self.account is not None and self.account.auth == auth:
            reason += " The stored one was entered for another host, and is sent to no other."
        self.add_error(_secret_field(auth), reason)

    def columns(self) -> dict[str, object]:
        """Return the columns of the connection that differ from what is stored."""
        typed = self.cleaned_data
        columns: dict[str, object] = {
            "exchange_id": typed["account_id"],
            "base_url": typed["base_url"],
            "auth": typed["auth"],
        }
        if typed["auth"] == CLIENT:
            columns |= {name: typed[name] for name in ("token_url", "client_id", "audience")}
        if secret := typed[_secret_field(typed["auth"])]:
            columns["secret"] = secret
        if self.account is None:
            return columns | {"name": typed["name"]}
        columns |= {name: typed[name] for name in ("poll_seconds", "requests_per_minute")}
        before = self.account
        return {name: value for name, value in columns.items() if getattr(before, name) != value}

    def described(self) -> ExchangeAccount:
        """Return the connection as the form describes it; not stored."""
        account = copy.copy(self.account) if self.account else ExchangeAccount()
        for name, value in self.columns().items():
            setattr(account, name, value)
        return account

    def mark_problems(self, report: ConnectionReport) -> None:
        """Put each problem that a field causes beside that field."""
        for problem in report.problems:
            if problem.field:
                name = self._field_of(problem.field)
                self.add_error(name, problem.problem)

    def mark_reasons(self, reasons: dict[str, str]) -> None:
        """Put reasons by column, as `sync.connections.store` gives them, beside their fields."""
        for column, reason in reasons.items():
            name = self._field_of(column)
            self.add_error(name if name in self.fields else None, reason)

    def _field_of(self, column: str) -> str:
        if column == "secret":
            return _secret_field(self.cleaned_data.get("auth", API_KEY))
        return _FIELDS.get(column, column)

    def ask_to_type_again(self) -> None:
        """Say at the secret that was typed that it has to be typed again."""
        auth = self.data.get("auth", API_KEY)
        name = _secret_field(auth) if auth in ExchangeAccount.Auth.values else "api_key"
        if self.data.get(name):
            self[name].help_text = TYPE_AGAIN


def _secret_field(auth: str) -> str:
    return "api_key" if auth == API_KEY else "client_secret"


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower()
