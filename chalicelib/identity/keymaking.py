"""Making signing keys. `cryptography` is loaded when the first is made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from chalicelib.identity.signing import KeyPair
from chalicelib.platform.strict import encode_base64url


def make_key() -> KeyPair:
    """A new key on P-256, named by its thumbprint (RFC 7638)."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    private = ec.generate_private_key(ec.SECP256R1())
    numbers = private.public_key().public_numbers()
    jwk = {"crv": "P-256", "kty": "EC", "x": _coordinate(numbers.x), "y": _coordinate(numbers.y)}
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return KeyPair(thumbprint(jwk), pem, jwk)


def thumbprint(jwk: Mapping[str, str]) -> str:
    """The thumbprint of a public key (RFC 7638): 43 characters."""
    required = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return encode_base64url(hashlib.sha256(json.dumps(required, sort_keys=True, separators=(",", ":")).encode()).digest())


def _coordinate(number: int) -> str:
    return encode_base64url(number.to_bytes(32, "big"))
