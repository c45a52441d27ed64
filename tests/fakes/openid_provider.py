"""An OpenID provider over real HTTP, which signs real tokens and misbehaves on request."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable
from enum import Enum
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

CLIENT_ID, CLIENT_SECRET = "fieldwatch", "very-secret"
STEPS = {
    "discovery": "/.well-known/openid-configuration",
    "token": "/token",
    "keys": "/keys",
    "userinfo": "/userinfo",
}
Reply = tuple[int, str, bytes]  # status, content type, body


class Missing(Enum):
    """The value of a claim that is not sent."""

    LEFT_OUT = "left out"

    def __repr__(self) -> str:
        return self.value


LEFT_OUT = Missing.LEFT_OUT


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key, made once a name."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    """A key on P-256, made once a name."""
    return ec.generate_private_key(ec.SECP256R1())


def public_jwk(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, kid: str, **more: Any
) -> dict[str, Any]:
    """The public half as the provider lists it."""
    if isinstance(key, rsa.RSAPrivateKey):
        text = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())
    else:
        text = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())
    listed: dict[str, Any] = json.loads(text)
    return {**{name: listed[name] for name in listed if name != "key_ops"}, "kid": kid, **more}


class OpenIdProvider(ThreadingHTTPServer):
    """Vouches for whoever it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.start_over()

    def start_over(self) -> None:
        """As it is when nothing misbehaves."""
        self.claims: dict[str, Any] = {"sub": "42"}  # of the ID token
        self.userinfo: dict[str, Any] | None = None  # None: what the ID token says
        self.changes: dict[str, Any] = {}  # of the ID token's other claims; None leaves one out
        self.configuration: dict[str, Any] = {}  # what its description says otherwise
        self.key: Any = rsa_key("own")
        self.algorithm = "RS256"
        self.header: dict[str, Any] = {"kid": "own"}
        self.keys: list[Any] = [public_jwk(rsa_key("own"), "own", use="sig")]
        self.sign: Callable[[dict[str, Any]], Any] = self._signed
        self.tokens: dict[str, Any] = {}  # what its answer to a code says otherwise
        self.replies: dict[str, Reply] = {}  # by step: what is answered instead
        self.trickles: set[str] = set()  # steps whose answer never ends
        self.token_requests: list[dict[str, str]] = []
        self.asked: list[str] = []  # paths, in order
        self._codes: dict[str, dict[str, str]] = {}

    @property
    def url(self) -> str:
        """Its address, and its name in tokens."""
        return f"http://127.0.0.1:{self.server_port}"

    def grant(self, authorize_url: str) -> dict[str, str]:
        """Sign somebody in where the browser was sent to; the query that it returns with."""
        sent = dict(parse_qsl(urlsplit(authorize_url).query))
        code = secrets.token_urlsafe(8)
        self._codes[code] = sent
        return {"code": code, "state": sent["state"]}

    def description(self) -> dict[str, Any]:
        """What it says of itself."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            **self.configuration,
        }

    def redeem(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Tokens for a code, for who began with it."""
        self.token_requests.append(form)
        sent = self._codes.pop(form.get("code", ""), None)
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(proof).decode().rstrip("=")
        if (
            not sent
            or sent["code_challenge"] != challenge
            or sent["redirect_uri"] != form.get("redirect_uri")
            or form.get("client_secret", CLIENT_SECRET) != CLIENT_SECRET
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": sent["nonce"],
            **self.claims,
            **self.changes,
        }
        kept = {name: value for name, value in claims.items() if value is not LEFT_OUT}
        answer = {"access_token": "at", "token_type": "Bearer", "expires_in": 60}
        return 200, answer | {"id_token": self.sign(kept)} | self.tokens

    def _signed(self, claims: dict[str, Any]) -> str:
        payload = json.dumps(claims).encode()  # `jwt.encode` refuses odd claims itself
        return jwt.api_jws.encode(payload, self.key, self.algorithm, headers=self.header)


class Asked(BaseHTTPRequestHandler):
    """One request to the provider."""

    server: OpenIdProvider

    def do_GET(self) -> None:
        """Somebody signs in, its description, its keys, or who the access token belongs to."""
        if self.path.startswith("/authorize?"):
            back = parse_qs(urlsplit(self.path).query)["redirect_uri"][0]
            self.send_response(302)
            self.send_header("Location", f"{back}?{urlencode(self.server.grant(self.path))}")
            self.end_headers()
        else:
            self._answer(b"")

    def do_POST(self) -> None:
        """A code for tokens."""
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        provider = self.server
        provider.asked.append(self.path)
        step = next(name for name, path in STEPS.items() if path == self.path)
        if step in provider.trickles:
            self._trickle()
        elif step in provider.replies:
            self._send(*provider.replies[step])
        else:
            status, answer = self._usual(step, body)
            self._send(status, "application/json", json.dumps(answer).encode())

    def _usual(self, step: str, body: bytes) -> tuple[int, Any]:
        provider = self.server
        if step == "token":
            return provider.redeem({name: one[0] for name, one in parse_qs(body.decode()).items()})
        if step == "discovery":
            return 200, provider.description()
        if step == "keys":
            return 200, {"keys": provider.keys}
        known = provider.claims if provider.userinfo is None else provider.userinfo
        said = {name: value for name, value in known.items() if value is not LEFT_OUT}
        bearer = self.headers.get("Authorization") == "Bearer at"
        return (200, said) if bearer else (401, {"error": "invalid_token"})

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _trickle(self) -> None:
        """A header that gets longer and longer, until nobody listens any more."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        try:
            while True:
                self.wfile.write(b"a")
                self.wfile.flush()
                time.sleep(0.02)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Quiet."""
