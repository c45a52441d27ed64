"""ID tokens: signed by the provider, for us, for this sign-in, and not yet expired."""

from __future__ import annotations

from collections.abc import Mapping

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from dashboard.web.auth.sso.claims import NotConfirmed

# Algorithm → key type. All are asymmetric: a key that checks tokens cannot create them.
ALGORITHMS = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    "EdDSA": "OKP",
}
SHORTEST_RSA = 2048  # bits
LEEWAY = 60  # seconds that the two clocks may differ
REQUIRED = ["iss", "sub", "aud", "exp", "iat"]


def read_id_token(
    token: object, keys: Mapping[str, object], *, issuer: str, client_id: str, nonce: str
) -> dict[str, object]:
    """Return the claims of a valid token; `keys` is the provider's JSON Web Key Set.

    Raises `NotConfirmed` for an invalid one.
    """
    if not isinstance(token, str):
        raise NotConfirmed("there is no ID token")
    try:
        header = jwt.get_unverified_header(token)
        claims: dict[str, object] = jwt.decode(
            token,
            key=_find_key(header, keys),
            algorithms=[header["alg"]],  # `_find_key` accepts only those of ALGORITHMS
            issuer=issuer,
            audience=client_id,
            leeway=LEEWAY,
            options={"require": REQUIRED},
        )
    # invalid numbers, or ones too large for a date, raise the latter
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as exc:
        raise NotConfirmed(f"the ID token is invalid: {exc}") from exc
    has_several_audiences = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if has_several_audiences else client_id) != client_id:
        raise NotConfirmed("the ID token was issued to another client")
    if claims.get("nonce") != nonce:
        raise NotConfirmed("the ID token belongs to another sign-in")
    return claims


def _find_key(header: Mapping[str, object], keys: Mapping[str, object]) -> jwt.PyJWK:
    """Return the provider's key for this header; raise `NotConfirmed` for other algorithms."""
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise NotConfirmed(f"ID tokens are not accepted with the algorithm {algorithm!r:.40}")
    if "crit" in header:
        raise NotConfirmed("the ID token asks for an extension")
    key_list = keys.get("keys")
    matches = [
        key
        for key in (key_list if isinstance(key_list, list) else [])
        if isinstance(key, dict)
        and key.get("kty") == ALGORITHMS[algorithm]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.get("kid") == kid)
    ]
    if len(matches) != 1:
        raise NotConfirmed("the ID token is signed with a key that is not the provider's")
    key = jwt.PyJWK(matches[0], algorithm=algorithm)
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < SHORTEST_RSA:
        raise NotConfirmed("the provider's key is too short")
    return key
