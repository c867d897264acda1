"""Cygni's own secrets, in Secrets Manager."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.platform.aws import client, error_code
from chalicelib.platform.errors import CygniError, LostRace, SecretsUnavailable, Throttled
from chalicelib.platform.frozen import dataclass

_BUSY = frozenset(
    {"LimitExceededException", "RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException"}
)
_ABSENT = "ResourceNotFoundException"
_TAKEN = "ResourceExistsException"


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one account and region. `key` is the KMS key that new ones are encrypted with, or empty.

    With a `copies_to` region new ones are copied there, encrypted with `copies_key`, and every later version is.

    Nothing of a value is in any error or log. What keeps a secret from being read or written is a `Transient`: a service that
    does not answer, but also a missing right, which whoever runs Cygni can grant.
    """

    key: str = ""
    copies_to: str = ""
    copies_key: str = ""

    def read(self, name: str) -> str | None:
        """The newest value, or None when there is no such secret. Raises Throttled or SecretsUnavailable."""
        try:
            return str(client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
        except ClientError as error:
            if error_code(error) == _ABSENT:
                return None
            raise _unavailable(name, error) from None
        except (BotoCoreError, KeyError) as error:
            raise _unavailable(name, error) from None

    def write(self, name: str, value: str, *, token: str) -> None:
        """Makes `value` the newest version, and the secret with it when there is none.

        `token`, 32 to 64 characters, names the version. The same value again under the same token changes nothing; another
        value raises LostRace. So a writer who takes the token from what it read gets its change in only if nobody else changed
        that first. Raises Throttled or SecretsUnavailable, and LostRace.
        """
        version = {"SecretString": value, "ClientRequestToken": token}
        try:
            client("secretsmanager").put_secret_value(SecretId=name, **version)
        except ClientError as error:
            if error_code(error) != _ABSENT:
                raise _unavailable(name, error) from None
            self._create(name, version)
        except BotoCoreError as error:
            raise _unavailable(name, error) from None

    def forget(self, name: str) -> None:
        """Deletes a secret at once and for good; one that is absent is no error. Raises Throttled or SecretsUnavailable."""
        try:
            if self.copies_to:  # a secret that has copies is not deleted
                client("secretsmanager").remove_regions_from_replication(SecretId=name, RemoveReplicaRegions=[self.copies_to])
            client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        except ClientError as error:
            if error_code(error) != _ABSENT:
                raise _unavailable(name, error) from None
        except BotoCoreError as error:
            raise _unavailable(name, error) from None

    def _create(self, name: str, version: dict[str, str]) -> None:
        encryption = {"KmsKeyId": self.key} if self.key else {}
        there = {"Region": self.copies_to, **({"KmsKeyId": self.copies_key} if self.copies_key else {})}
        copies: dict[str, Any] = {"AddReplicaRegions": [there]} if self.copies_to else {}
        try:
            client("secretsmanager").create_secret(Name=name, **version, **encryption, **copies)
        except (BotoCoreError, ClientError) as error:
            raise _unavailable(name, error) from None


def _unavailable(name: str, error: Exception) -> CygniError:
    """What to raise; botocore's sentences stay behind, since some repeat the request."""
    code = error_code(error) or type(error).__name__
    if code == _TAKEN:
        return LostRace(f"Someone else wrote the secret {name} at the same moment.")
    if code in _BUSY:
        return Throttled("Secrets Manager asks to slow down.")
    return SecretsUnavailable(f"The secret {name} cannot be reached ({code}).", remedy=_REMEDIES.get(code, ""))


_REMEDIES = {
    "AccessDeniedException": "Grant this function the right to the secret, and to the KMS key that encrypts it.",
    "DecryptionFailure": "Grant this function the right to decrypt with the secret's KMS key.",
    "EncryptionFailure": "Check that the KMS key of CYGNI_SECRETS_KEY exists and is enabled.",
    "InvalidRequestException": "Check whether the secret is marked for deletion, and restore it.",
}
