"""The AWS account that an operator means, and what AWS's refusals mean to them. The one module here that imports botocore."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any


class OperatorError(Exception):
    """AWS did not let this be done. `kind` is usage, credentials, forbidden, missing, unreachable or failed."""

    def __init__(self, message: str, *, remedy: str, kind: str = "failed") -> None:
        super().__init__(message)
        self.message, self.remedy, self.kind = message, remedy, kind


@dataclass(frozen=True)
class Account:
    """A region by the operator's own credentials, as the AWS CLI finds them; or, by `endpoint`, the embedded cloud."""

    region: str | None = None
    profile: str | None = None
    endpoint: str | None = None

    @cached_property
    def place(self) -> str:
        """The region, or the embedded cloud's address. Raises OperatorError when no region is configured."""
        if self.endpoint:
            return self.endpoint
        region = self._session.get_config_variable("region") if self.region is None else self.region
        if not region:
            raise OperatorError("It is not said which region.", remedy="Give --region, or set AWS_REGION.", kind="usage")
        return str(region)

    def client(self, service: str) -> Any:
        """A client of one service. It tries three times, with back-off and jitter: nothing retries above it."""
        from botocore.config import Config

        config = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "max_attempts": 3})
        with aws_errors():
            if self.endpoint:
                self._session.set_credentials("local", "local")
                return self._session.create_client(service, config=config, region_name="us-east-1", endpoint_url=self.endpoint)
            return self._session.create_client(service, config=config, region_name=self.place)

    @cached_property
    def _session(self) -> Any:
        try:
            from botocore.session import Session
        except ImportError:
            remedy = "Install it beside the command: `pip install botocore`."
            raise OperatorError("The AWS client is not installed.", remedy=remedy, kind="usage") from None
        return Session(profile=self.profile)


_CREDENTIALS = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"}
)


@contextmanager
def aws_errors() -> Iterator[None]:
    """Makes an OperatorError of what botocore raises: its code and never its sentences, which may repeat what was sent."""
    from botocore import exceptions as raised

    sign_in = "Sign in as the AWS CLI does: AWS_PROFILE, `aws sso login`, or the variables of a session."
    try:
        yield
    except raised.ClientError as error:
        code = error_code(error)
        if code in _CREDENTIALS:
            raise OperatorError(f"AWS does not take these credentials ({code}).", remedy=sign_in, kind="credentials") from None
        if code.startswith("AccessDenied"):
            remedy = "docs/runbooks/dead-letters.md lists the rights that this needs."
            raise OperatorError(f"These credentials may not {error.operation_name}.", remedy=remedy, kind="forbidden") from None
        raise OperatorError(
            f"AWS answered {code} to {error.operation_name}.", remedy="Run it again: no letter is lost."
        ) from None
    except (
        raised.NoCredentialsError,
        raised.PartialCredentialsError,
        raised.ProfileNotFound,
        raised.TokenRetrievalError,
    ) as error:
        raise OperatorError(
            f"There are no AWS credentials ({type(error).__name__}).", remedy=sign_in, kind="credentials"
        ) from None
    except raised.BotoCoreError as error:
        remedy = "Check the region and the network, and run it again: no letter is lost."
        raise OperatorError(f"AWS did not answer ({type(error).__name__}).", remedy=remedy, kind="unreachable") from None


def error_code(error: Exception) -> str:
    """The code of a ClientError (`ThrottlingException`)."""
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))
