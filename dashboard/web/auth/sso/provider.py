"""The company's identity provider: sign-in URL, and the identity behind a code."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote_plus, urlencode, urlsplit

from django.conf import settings

from dashboard.web.auth.sso.claims import Identity, NotConfirmed, read_identity
from dashboard.web.auth.sso.tokens import read_id_token
from dashboard.web.auth.sso.wire import ProviderAway, fetch_object

_WELL_KNOWN = "/.well-known/"


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider with our client credentials; created for each step of a sign-in.

    `patience`: seconds for all requests of the step together.
    """

    url: str
    client_id: str
    client_secret: str = ""
    scope: str = "openid profile email"
    groups_claim: str = "groups"
    patience: float = 10.0
    started_at: float = field(default_factory=time.monotonic)

    def authorize_url(self, *, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Return the sign-in URL; the return is bound to `state`, `nonce` and `verifier`."""
        digest = hashlib.sha256(verifier.encode()).digest()
        parameters = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "scope": self.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        address = self._address(self._discover(), "authorization_endpoint")
        return f"{address}{'&' if '?' in address else '?'}{urlencode(parameters)}"

    def identify(self, code: str, *, redirect_uri: str, nonce: str, verifier: str) -> Identity:
        """Return the identity that the provider gave this code to.

        Raises `ProviderAway` if it does not answer, `NotConfirmed` if it refuses or its answer is
        invalid.
        """
        document = self._discover()
        tokens = self._redeem(document, code, redirect_uri=redirect_uri, verifier=verifier)
        keys = self._fetch("GET", self._address(document, "jwks_uri"))
        id_token = read_id_token(
            tokens.get("id_token"),
            keys,
            issuer=_read_text(document, "issuer"),
            client_id=self.client_id,
            nonce=nonce,
        )
        userinfo = self._userinfo(document, tokens) or id_token
        return read_identity(id_token, userinfo, groups_claim=self.groups_claim)

    def _discover(self) -> dict[str, object]:
        """Return the provider's discovery document; it must be about the address of the settings.

        Nothing in it is followed if it names another issuer: another provider could pass its own
        sign-in page, keys and tokens off as this one's. A slash at the end may differ.
        """
        issuer, is_document_url, _ = self.url.partition(_WELL_KNOWN)
        document_url = self.url.rstrip("/") + f"{_WELL_KNOWN}openid-configuration"
        document = self._fetch("GET", self.url if is_document_url else document_url)
        if _read_text(document, "issuer").rstrip("/") != issuer.rstrip("/"):
            raise ProviderAway("the provider calls itself by another address than OIDC_URL")
        return document

    def _redeem(
        self, document: Mapping[str, object], code: str, *, redirect_uri: str, verifier: str
    ) -> dict[str, object]:
        """Return the tokens for a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers = {"Accept": "application/json"}
        if self.client_secret and _needs_basic_auth(document):
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form["client_id"] = self.client_id
            if self.client_secret:
                form["client_secret"] = self.client_secret
        address = self._address(document, "token_endpoint")
        status, answer = fetch_object(
            "POST", address, form=form, headers=headers, patience=self._left()
        )
        if 400 <= status < 500:
            raise NotConfirmed(f"the token endpoint refuses: {status} {answer.get('error')!r:.80}")
        if status != 200:
            raise ProviderAway(f"the token endpoint answers {status}")
        return answer

    def _userinfo(
        self, document: Mapping[str, object], tokens: Mapping[str, object]
    ) -> dict[str, object] | None:
        """Return the userinfo claims; None if the provider has no such endpoint."""
        if document.get("userinfo_endpoint") is None:
            return None
        headers = {"Authorization": f"Bearer {_read_text(tokens, 'access_token')}"}
        return self._fetch("GET", self._address(document, "userinfo_endpoint"), headers=headers)

    def _fetch(
        self, method: str, url: str, *, headers: dict[str, str] | None = None
    ) -> dict[str, object]:
        status, answer = fetch_object(method, url, headers=headers, patience=self._left())
        if status != 200:
            raise ProviderAway(f"status {status} from {method} {url.partition('?')[0]}")
        return answer

    def _left(self) -> float:
        return max(self.started_at + self.patience - time.monotonic(), 0.0)

    def _address(self, document: Mapping[str, object], name: str) -> str:
        return read_address(document, name, provider_url=self.url)


def read_address(document: Mapping[str, object], name: str, *, provider_url: str) -> str:
    """Return an endpoint from the discovery document: a URL at least as safe as the provider's."""
    address, scheme = _read_text(document, name), urlsplit(provider_url).scheme
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme not in {"https", scheme}:
        raise ProviderAway(f"the provider's {name} must use {scheme}")
    return address


def configured_provider() -> Provider:
    """Return the provider of the settings."""
    return Provider(
        url=settings.OIDC_URL,
        client_id=settings.OIDC_CLIENT_ID,
        client_secret=settings.OIDC_CLIENT_SECRET,
        scope=settings.OIDC_SCOPE,
        groups_claim=settings.OIDC_GROUPS_CLAIM,
        patience=settings.OIDC_PATIENCE,
    )


def _needs_basic_auth(document: Mapping[str, object]) -> bool:
    methods = document.get("token_endpoint_auth_methods_supported")
    listed = methods if isinstance(methods, list) else []
    return "client_secret_basic" in listed and "client_secret_post" not in listed


def _read_text(document: Mapping[str, object], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise ProviderAway(f"the provider names no {name}")
    return value
