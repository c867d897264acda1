"""Keys of ES256 (ECDSA on P-256 with SHA-256, RFC 7518) ready for use; `cryptography` is loaded with the first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from chalicelib.platform.strict import decode_base64url

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

SIGNATURE_BYTES = 64
"""Two numbers of 32 bytes."""

Check = Callable[[bytes, bytes], bool]
"""Whether a signature, the second argument, is this key's own for a text, the first."""


@lru_cache(maxsize=4)
def load_private(pem: str) -> EllipticCurvePrivateKey:
    """The key of a PEM text, kept, since reading one takes longer than signing with it. Raises ValueError."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(pem.encode(), None)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise ValueError("not a key on an elliptic curve")
    return key


def checker(jwk: Mapping[str, str]) -> Check:
    """The check of ES256 signatures by a public key. Raises ValueError when the numbers are no point of P-256."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    x, y = (int.from_bytes(decode_base64url(jwk[name].encode()), "big") for name in ("x", "y"))
    verify, algorithm = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key().verify, ec.ECDSA(SHA256())

    def check(text: bytes, signature: bytes) -> bool:
        if len(signature) != SIGNATURE_BYTES:
            return False
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        try:
            verify(encode_dss_signature(r, s), text, algorithm)
        except InvalidSignature:
            return False
        return True

    return check
