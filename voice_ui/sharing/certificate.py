"""A self-signed certificate for this machine, kept in the user's state folder until it expires or no longer fits."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from voice_ui.errors import SettingsError

VALID = timedelta(days=365)
"""Apple's systems refuse more than 825 (support.apple.com/103769)."""

RENEWED = timedelta(days=7)
"""Renew this long before expiry, so that nobody must accept a new one during a demo."""


def own(folder: Path, names: Sequence[str]) -> Path:
    """Return a PEM file, readable by its owner only, with a key and a certificate for these names and addresses.

    Raises OSError if it cannot be written.
    """
    path = folder / "certificate.pem"
    if not _fits(path, names):
        folder.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_bytes(_made_for(names))
        fresh.replace(path)
    return path


def context(cert: Path, key: Path | None = None) -> ssl.SSLContext:
    """Return the server's SSL context; raises SettingsError if the files cannot be used."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        server.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "reason", None) or error.strerror or str(error)
        files = f"{cert} and {key}" if key else f"{cert}"
        raise SettingsError(
            f"{files} cannot be used ({reason}); allowed: a certificate and its key, in PEM format"
        ) from None
    server.set_alpn_protocols(["http/1.1"])
    return server


def names_in(cert: Path) -> list[str]:
    """Return the names and addresses that a certificate is for; raises SettingsError if it is not a certificate."""
    try:
        return _names_of(x509.load_pem_x509_certificate(cert.read_bytes()))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{cert} is not a certificate in PEM format ({error})") from None


def _fits(path: Path, names: Sequence[str]) -> bool:
    try:
        pem = path.read_bytes()
        found = x509.load_pem_x509_certificate(pem)
        serialization.load_pem_private_key(pem, None)
    except (OSError, ValueError):
        return False
    lasts = found.not_valid_after_utc - RENEWED > datetime.now(UTC)
    return lasts and set(names) <= set(_names_of(found)) and not path.stat().st_mode & 0o077


def _names_of(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return [*names.get_values_for_type(x509.DNSName), *addresses]


def _made_for(names: Sequence[str]) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Voice UI")])
    now = datetime.now(UTC)
    # A clock that is a little behind must not make it one of the future.
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now - timedelta(days=1) + VALID)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()) + certificate.public_bytes(encoding)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
