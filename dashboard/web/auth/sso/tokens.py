"""ID tokens: signed by the provider, for us, for this sign-in, and not yet expired."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from dashboard.web.auth.sso.claims import NotConfirmed

# Algorithm → kind of key. All are asymmetric: whoever can check a token cannot make one.
ALGORITHMS = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    "EdDSA": "OKP",
}
SHORTEST_RSA = 2048  # bits
LEEWAY = 60  # seconds that the two clocks may differ
REQUIRED = ["iss", "sub", "aud", "exp", "iat"]


def read_id_token(
    token: object, keys: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str
) -> dict[str, Any]:
    """The claims of a token that holds; `keys` is the provider's JSON Web Key Set.

    Raises `NotConfirmed` for every other.
    """
    if not isinstance(token, str):
        raise NotConfirmed("there is no ID token")
    try:
        header = jwt.get_unverified_header(token)
        claims: dict[str, Any] = jwt.decode(
            token,
            key=_key(header, keys),
            algorithms=[header["alg"]],  # `_key` takes those of the list alone
            issuer=issuer,
            audience=client_id,
            leeway=LEEWAY,
            options={"require": REQUIRED},
        )
    # numbers that are none, or too large for a date, come as the latter
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as exc:
        raise NotConfirmed(f"the ID token does not hold: {exc}") from exc
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else client_id) != client_id:
        raise NotConfirmed("the ID token was issued to another client")
    if claims.get("nonce") != nonce:
        raise NotConfirmed("the ID token belongs to another sign-in")
    return claims


def _key(header: Mapping[str, Any], keys: Mapping[str, Any]) -> jwt.PyJWK:
    """The provider's key for this header; an algorithm off the list has none."""
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise NotConfirmed(f"ID tokens are not accepted with the algorithm {algorithm!r:.40}")
    if "crit" in header:
        raise NotConfirmed("the ID token asks for an extension")
    listed = keys.get("keys")
    fitting = [
        key
        for key in (listed if isinstance(listed, list) else [])
        if isinstance(key, dict)
        and key.get("kty") == ALGORITHMS[algorithm]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.get("kid") == kid)
    ]
    if len(fitting) != 1:
        raise NotConfirmed("the ID token is signed with a key that is not the provider's")
    made = jwt.PyJWK(fitting[0], algorithm=algorithm)
    if isinstance(made.key, RSAPublicKey) and made.key.key_size < SHORTEST_RSA:
        raise NotConfirmed("the provider's key is too short")
    return made
