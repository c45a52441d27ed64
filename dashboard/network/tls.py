"""The TLS settings of outgoing connections."""

import ssl
from functools import lru_cache

import httpx


@lru_cache(maxsize=4)
def shared_tls(ca_file: str = "") -> ssl.SSLContext:
    """The TLS settings of every connection; created once, because reading the CA store is slow.

    Trusted are the authorities of SSL_CERT_FILE, or else the usual ones, and those of `ca_file`.
    """
    tls = httpx.create_ssl_context()
    if ca_file:
        tls.load_verify_locations(cafile=ca_file)
    return tls
