"""What is wrong with a certificate, in words that name the remedy."""

from __future__ import annotations

import ssl

import httpx
import pytest

from dashboard.alerts.certificates import describe_certificate_error

HOST = "hooks.example.com"


def refused(reason: str) -> Exception:
    """The error of a connection, as it arrives: the certificate's error lies below it."""
    below = ssl.SSLCertVerificationError(1, "certificate verify failed")
    below.verify_message = reason
    error = httpx.ConnectError("failed")
    error.__cause__ = below
    return error


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("certificate has expired", "check the clock of this machine"),
        ("certificate is not yet valid", "check the clock of this machine"),
        ("Hostname mismatch, certificate is not valid for it.", "check the host name"),
        ("self-signed certificate in certificate chain", "SSL_CERT_FILE"),
        ("unable to get local issuer certificate", "SSL_CERT_FILE"),
    ],
)
def test_each_error_names_the_host_the_reason_and_one_remedy(reason: str, remedy: str) -> None:
    sentence = describe_certificate_error(refused(reason), HOST)
    assert sentence.startswith(f"the certificate of {HOST} ")
    assert f"({reason.rstrip('.')})" in sentence
    remedies = ("check the clock", "check the host name", "SSL_CERT_FILE")
    assert [each for each in remedies if each in sentence] == [
        each for each in remedies if each in remedy
    ]


def test_an_error_without_a_certificate_below_it_is_none_of_a_certificate() -> None:
    assert describe_certificate_error(httpx.ConnectError("refused"), HOST) == ""
