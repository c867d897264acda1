"""The keys of a control plane: one authority, one certificate for its servers, and the key that signs account tokens.

Authority and certificate are made anew at every start, since nobody but the processes of that start needs them; the signing
key stays, or tokens that pods hold would be void.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID = timedelta(days=365)
_SKEW = timedelta(minutes=5)
_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")


@dataclass(frozen=True, slots=True)
class Certificates:
    """The files below one folder."""

    folder: Path

    @property
    def authority(self) -> Path:
        """The authority's certificate."""
        return self.folder / "ca.crt"

    @property
    def certificate(self) -> Path:
        """The certificate of every server on loopback, and of the API server as a client of etcd."""
        return self.folder / "server.crt"

    @property
    def key(self) -> Path:
        """Its private key."""
        return self.folder / "server.key"

    @property
    def accounts(self) -> Path:
        """The private key that signs tokens of service accounts."""
        return self.folder / "accounts.key"

    def make(self, now: datetime | None = None) -> Certificates:
        """Writes all files; private keys are readable by their owner only."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        begins = (now or datetime.now(UTC)) - _SKEW
        authority, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        issuer = _name("cygni local authority")
        root = _builder(issuer, issuer, authority, begins).add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        leaf = (
            _builder(_name("cygni local control plane"), issuer, server, begins)
            .add_extension(x509.SubjectAlternativeName([loopback, *(x509.DNSName(each) for each in _NAMES)]), False)
            .add_extension(x509.ExtendedKeyUsage(uses), False)
        )
        _write(self.authority, root.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        _write(self.certificate, leaf.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        _write(self.key, _pem(server))
        if not self.accounts.exists():
            _write(self.accounts, _pem(ec.generate_private_key(ec.SECP256R1())))
        return self


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, begins: datetime
) -> x509.CertificateBuilder:
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    return made.serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(begins + VALID)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)
