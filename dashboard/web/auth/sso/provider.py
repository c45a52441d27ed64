"""The company's identity provider: where people are sent, and who comes back with a code."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from django.conf import settings

from dashboard.web.auth.sso.claims import Identity, NotConfirmed, read_identity
from dashboard.web.auth.sso.tokens import read_id_token
from dashboard.web.auth.sso.wire import ProviderAway, fetch_object

SCOPE = "openid profile email"
_WELL_KNOWN = "/.well-known/"


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider, and who we are there; made anew for each step of a sign-in.

    `patience`: seconds for all requests of the step together.
    """

    url: str
    client_id: str
    client_secret: str = ""
    patience: float = 10.0
    begun: float = field(default_factory=time.monotonic)

    def authorize_url(self, *, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes; what comes back is bound to `state`, `nonce` and `verifier`."""
        digest = hashlib.sha256(verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        address = self._address(self._discover(), "authorization_endpoint")
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"

    def identify(self, code: str, *, redirect_uri: str, nonce: str, verifier: str) -> Identity:
        """Whom the provider gave this code to.

        Raises `ProviderAway` while it does not answer, `NotConfirmed` when it says no or its
        answer does not hold.
        """
        known = self._discover()
        tokens = self._redeem(known, code, redirect_uri=redirect_uri, verifier=verifier)
        keys = self._fetch("GET", self._address(known, "jwks_uri"))
        id_token = read_id_token(
            tokens.get("id_token"),
            keys,
            issuer=_text(known, "issuer"),
            client_id=self.client_id,
            nonce=nonce,
        )
        return read_identity(id_token, self._userinfo(known, tokens) or id_token)

    def _discover(self) -> dict[str, Any]:
        """The provider's own description of itself."""
        named = _WELL_KNOWN in self.url
        whole = self.url.rstrip("/") + f"{_WELL_KNOWN}openid-configuration"
        return self._fetch("GET", self.url if named else whole)

    def _redeem(
        self, known: Mapping[str, Any], code: str, *, redirect_uri: str, verifier: str
    ) -> dict[str, Any]:
        """The tokens for a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers = {"Accept": "application/json"}
        if self.client_secret and _takes_basic_alone(known):
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form["client_id"] = self.client_id
            if self.client_secret:
                form["client_secret"] = self.client_secret
        address = self._address(known, "token_endpoint")
        status, answer = fetch_object(
            "POST", address, form=form, headers=headers, patience=self._left()
        )
        if 400 <= status < 500:
            raise NotConfirmed(f"the token address refuses: {status} {answer.get('error')!r:.80}")
        if status != 200:
            raise ProviderAway(f"the token address answers {status}")
        return answer

    def _userinfo(
        self, known: Mapping[str, Any], tokens: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """What the provider says beside the ID token; None where it has no address for that."""
        if known.get("userinfo_endpoint") is None:
            return None
        headers = {"Authorization": f"Bearer {_text(tokens, 'access_token')}"}
        return self._fetch("GET", self._address(known, "userinfo_endpoint"), headers=headers)

    def _fetch(self, method: str, url: str, **given: Any) -> dict[str, Any]:
        status, answer = fetch_object(method, url, patience=self._left(), **given)
        if status != 200:
            raise ProviderAway(f"status {status} from {method} {url.partition('?')[0]}")
        return answer

    def _left(self) -> float:
        return max(self.begun + self.patience - time.monotonic(), 0.0)

    def _address(self, known: Mapping[str, Any], name: str) -> str:
        return read_address(known, name, beside=self.url)


def read_address(known: Mapping[str, Any], name: str, *, beside: str) -> str:
    """An address that the provider names: of the web, and never less safe than its own."""
    address, scheme = _text(known, name), urlsplit(beside).scheme
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme not in {"https", scheme}:
        raise ProviderAway(f"the provider's {name} is no {scheme} address")
    return address


def configured() -> Provider:
    """The provider that the settings name."""
    return Provider(
        url=settings.OIDC_URL,
        client_id=settings.OIDC_CLIENT_ID,
        client_secret=settings.OIDC_CLIENT_SECRET,
        patience=settings.OIDC_PATIENCE,
    )


def _takes_basic_alone(known: Mapping[str, Any]) -> bool:
    methods = known.get("token_endpoint_auth_methods_supported")
    named = methods if isinstance(methods, list) else []
    return "client_secret_basic" in named and "client_secret_post" not in named


def _text(known: Mapping[str, Any], name: str) -> str:
    value = known.get(name)
    if not isinstance(value, str) or not value:
        raise ProviderAway(f"the provider names no {name}")
    return value
