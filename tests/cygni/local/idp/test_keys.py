from __future__ import annotations

import stat
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cygni.local.idp.keys import KeyFileError, SigningKey, at_hash, load_key, thumbprint


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("key") / "key.pem"


@pytest.fixture(scope="module")
def key(path: Path) -> SigningKey:
    return load_key(path)


def test_a_key_is_made_once_and_for_its_owner_only(key: SigningKey, path: Path) -> None:
    assert load_key(path).kid == key.kid
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_another_library_checks_the_signature(key: SigningKey) -> None:
    token = key.sign({"sub": "ada", "name": "Ádá"})

    public = jwt.PyJWK(key.jwk())
    assert jwt.decode(token, public, algorithms=["RS256"]) == {"sub": "ada", "name": "Ádá"}
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "kid": key.kid, "typ": "JWT"}


def test_a_token_that_was_changed_does_not_pass(key: SigningKey) -> None:
    head, body, signature = key.sign({"sub": "ada"}).split(".")

    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(f"{head}.{body[:-2]}AA.{signature}", jwt.PyJWK(key.jwk()), algorithms=["RS256"])


def test_nothing_private_is_published_or_printed(key: SigningKey) -> None:
    assert set(key.jwk()) == {"kty", "n", "e", "use", "alg", "kid"}
    assert "RSAPrivateKey" not in repr(key)


def test_the_name_of_a_key_is_its_thumbprint() -> None:
    """The example of RFC 7638, 3.1."""
    example = {
        "e": "AQAB",
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj"
        "hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5h"
        "ajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    }

    assert thumbprint(example) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_hash_of_an_access_token_is_that_of_the_specification() -> None:
    """The example of OpenID Connect Core, A.3."""
    assert at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y") == "77QmUPtjPfzWtF2AnpK9RQ"


@pytest.mark.parametrize("held", [b"", b"nonsense", b"elliptic"])
def test_a_file_without_a_usable_key_says_what_to_do(tmp_path: Path, held: bytes) -> None:
    path = tmp_path / "key.pem"
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(other if held == b"elliptic" else held)

    with pytest.raises(KeyFileError, match="Delete it"):
        load_key(path)
