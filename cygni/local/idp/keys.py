"""A signing key that is made once and kept, and JSON Web Signatures by RS256 with it (RFC 7515, RFC 7518, section 3.3).

The signature is put together here, on `cryptography` alone: a JWT library would cost this process a tenth of a second at
start, and whoever checks these tokens with one has a second opinion.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from cygni.local.files import kept

KEY_BITS = 2048
ALGORITHM = "RS256"


class KeyFileError(Exception):
    """A key file that holds no usable key; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key and its name: the thumbprint of its public half (RFC 7638)."""

    kid: str
    private: rsa.RSAPrivateKey = field(repr=False)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """The claims as a JWT in compact form."""
        header = {"alg": ALGORITHM, "kid": self.kid, "typ": "JWT"}
        signed = f"{_base64url(_json(header))}.{_base64url(_json(claims))}"
        signature = self.private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64url(signature)}"

    def jwk(self) -> dict[str, str]:
        """The public half as a JSON Web Key (RFC 7517)."""
        return {**_public(self.private), "use": "sig", "alg": ALGORITHM, "kid": self.kid}


def load_key(path: Path) -> SigningKey:
    """The key in a file; made, once, when there is none, and readable by its owner only. Raises KeyFileError."""
    pem = kept(path, _new_key)
    try:
        # Proving that the numbers are primes takes as long as a quarter of the start, for a file that only we write.
        private = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError):
        private = None
    if not isinstance(private, rsa.RSAPrivateKey) or private.key_size < KEY_BITS:
        raise KeyFileError(f"{path} holds no RSA key of {KEY_BITS} bits in PEM. Delete it, and a new one is made.")
    return SigningKey(thumbprint(_public(private)), private)


def thumbprint(public: Mapping[str, str]) -> str:
    """The thumbprint of a public RSA key as a JWK (RFC 7638, 3)."""
    members = {name: public[name] for name in ("e", "kty", "n")}
    return _base64url(hashlib.sha256(_json(members)).digest())


def at_hash(access_token: str) -> str:
    """What an ID token says of the access token beside it: the left half of its SHA-256 (OpenID Connect Core, 3.1.3.6)."""
    return _base64url(hashlib.sha256(access_token.encode("ascii")).digest()[:16])


def _new_key() -> bytes:
    private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    return private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _public(private: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = private.public_key().public_numbers()
    return {"kty": "RSA", "n": _base64url(_bytes(numbers.n)), "e": _base64url(_bytes(numbers.e))}


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
