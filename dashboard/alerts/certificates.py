"""Errors of certificates in words: which certificate, what is wrong with it, and the remedy."""

from __future__ import annotations

import ssl


def describe_certificate_error(exc: BaseException, host: str) -> str:
    """Return the certificate error below an exception as a clause; empty if there is none."""
    below: BaseException | None = exc
    while below is not None and not isinstance(below, ssl.SSLCertVerificationError):
        below = below.__cause__ or below.__context__
    if below is None:
        return ""
    reason = below.verify_message.rstrip(".")
    if "expired" in reason or "not yet valid" in reason:
        return (
            f"the certificate of {host} is not valid today ({reason}): check the clock of this "
            "machine; if it is right, the certificate has to be renewed there"
        )
    if "mismatch" in reason:
        return (
            f"the certificate of {host} belongs to another host ({reason}): check the host name "
            "of the address"
        )
    return (
        f"the certificate of {host} cannot be trusted ({reason}): if it is signed by your own "
        "authority, SSL_CERT_FILE has to name a file that holds this authority"
    )
