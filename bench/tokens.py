"""What proving an access token takes, against the bare signature check and PyJWT's own `decode`.

The bare check is `cryptography`'s, on a signature that is parsed already: the least that any verifier must do. PyJWT is asked
to pin the algorithm and check issuer, audience and times, which is less than is checked here. At first sight every token is
new; again, the process has seen it before.

usage: python -m bench.tokens [TIMES]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from itertools import count, cycle

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from bench.figures import line, microseconds, ratio, verdict
from chalicelib.identity.es256 import load_private
from chalicelib.identity.keymaking import make_key
from chalicelib.identity.livekeys import PROVEN_TOKENS, LiveKeys
from chalicelib.identity.signing import KeySet, SigningKey, rotated, to_text
from chalicelib.identity.tokens import AccessClaims, mint, verify
from chalicelib.platform.clock import utc_now
from chalicelib.platform.strict import decode_base64url

ISSUER, AUDIENCE = "https://api.cygni.dev", "cygni"


def minted(key: SigningKey, many: int) -> list[str]:
    """So many different tokens of a member whose role is narrowed on two environments."""
    now = utc_now()
    scopes = (("hello", "prod", "viewer"), ("hello", "staging", "developer"))
    claims = (
        AccessClaims(
            subject="usr_01KDYAK3480000000000000001",
            kind="user",
            team="team_01KDYAK3480000000000000002",
            region="eu-central-1",
            role="developer",
            scopes=scopes,
            session="ses_01KDYAK3480000000000000003",
            name="Ada Lovelace",
            issued_at=now,
            expires_at=now + timedelta(minutes=15),
            id=f"tok_{number:026d}",
        )
        for number in count()
    )
    return [mint(next(claims), key, issuer=ISSUER, audience=AUDIENCE) for _ in range(many)]


def bare(key: SigningKey, token: str) -> Callable[[], None]:
    """The signature check alone."""
    text, _, last = token.encode().rpartition(b".")
    raw = decode_base64url(last)
    signature = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public, algorithm = load_private(key.private_pem).public_key(), ECDSA(SHA256())
    return lambda: public.verify(signature, text, algorithm)


def main(times: int) -> None:
    """All in this process, in turns of a tenth each, so that a machine that slows down slows all of them."""
    keys = rotated(KeySet(), utc_now(), make_key)
    key, text = keys.keys[0], to_text(keys)
    live = LiveKeys(lambda: text, utc_now)
    tokens = minted(key, 2 * PROVEN_TOKENS)
    fresh, public = cycle(tokens), load_private(key.private_pem).public_key()

    def proven(token: str) -> AccessClaims:
        return verify(token, live, issuer=ISSUER, audience=AUDIENCE, now=utc_now())

    calls = {
        "bare signature check": bare(key, tokens[0]),
        "PyJWT decode": lambda: jwt.decode(next(fresh), public, algorithms=["ES256"], issuer=ISSUER, audience=AUDIENCE),
        "Cygni, first sight": lambda: proven(next(fresh)),
        "Cygni, again": lambda: proven(tokens[0]),
    }
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(10):
        for name, call in calls.items():
            taken[name] += microseconds(call, times // 10)
    print(f"an access token of {len(tokens[0])} bytes")
    for name, values in taken.items():
        print("  " + line(name, values, "us"))
    first = taken["Cygni, first sight"]
    print("  " + verdict("first sight, share of the bare signature check", ratio(first, taken["bare signature check"]), 1.3))
    print(f"  first sight, share of PyJWT's decode: {ratio(first, taken['PyJWT decode']):.2f}")
    print(f"  again, share of the bare signature check: {ratio(taken['Cygni, again'], taken['bare signature check']):.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
