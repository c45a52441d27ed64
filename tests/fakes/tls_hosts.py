"""Hosts that speak TLS on this machine, whose certificates a local authority signed, or did not."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)
BODY = b'{"industries": [], "access_token": "a-token", "token_type": "Bearer", "expires_in": 3600}'
GOOD, EXPIRED = "good.example", "expired.example"
STRANGE, WRONG = "strange.example", "wrong.example"


class TlsHosts(NamedTuple):
    """All hosts are behind one port; `ca_file` has the authority that they ought to be signed by.

    `asked`: what arrived there, each as host, method and path.
    """

    port: int
    ca_file: Path
    asked: list[str]


class Authority:
    """A certificate authority of its own."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self._name, self._key, days=30, names=[])

    def issue(self, folder: Path, host: str, *, days: int = 30, named: str = "") -> Path:
        """Write a certificate for `named`, or else for the host, and its key, into one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, named or host)])
        signed = self._sign(subject, key, days=days, names=[named or host])
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path = folder / f"{host}.pem"
        path.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
        return path

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: int, names: list[str]
    ) -> x509.Certificate:
        end = datetime.now(UTC) + days * DAY
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(end - 60 * DAY)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
        )
        if names:
            hosts = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(hosts, critical=False)
        return builder.sign(self._key, hashes.SHA256())


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that refuses the certificate breaks off."""


def _context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@contextmanager
def serving_tls(folder: Path) -> Iterator[TlsHosts]:
    """The hosts above and localhost; each answers every request with the same object."""
    ours, theirs = Authority("Our authority"), Authority("An authority that nobody knows")
    contexts = {
        "localhost": _context(ours.issue(folder, "localhost")),
        GOOD: _context(ours.issue(folder, GOOD)),
        EXPIRED: _context(ours.issue(folder, EXPIRED, days=-1)),
        STRANGE: _context(theirs.issue(folder, STRANGE)),
        WRONG: _context(ours.issue(folder, WRONG, named="elsewhere.example")),
    }
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(f"{self.headers['Host']} {self.command} {self.path}")
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(BODY)))
            self.end_headers()
            self.wfile.write(BODY)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    def choose(peer: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        peer.context = contexts[name or "localhost"]

    ca_file = folder / "authority.pem"
    ca_file.write_bytes(ours.certificate.public_bytes(serialization.Encoding.PEM))
    server = _Server(("127.0.0.1", 0), Handler)
    contexts["localhost"].sni_callback = choose
    server.socket = contexts["localhost"].wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield TlsHosts(server.server_port, ca_file, asked)
    finally:
        server.shutdown()
        server.server_close()
