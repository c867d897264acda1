"""How a cluster's API server is spoken to: its address, whom to trust, and a credential of one of five kinds.

1. A credential is data. No kind of it runs a program or reads a file of the machine it is used on, as kubeconfigs may ask.
2. Tokens are made when they are needed and kept until shortly before they end (`Tokens`).
3. No credential, key or token is in a repr, an error or a log.

Formats: EKS is a presigned STS GetCallerIdentity, as aws-iam-authenticator reads it; GKE an OAuth 2.0 access token for a
service account's signed assertion (RFC 7523); AKS one for a client's secret (RFC 6749, section 4.4).
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import Any

from chalicelib.platform.errors import ClusterUnavailable, CygniError, Failed, ProviderRefused, ProviderUnavailable

GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"
GOOGLE_SCOPES = "https://www.googleapis.com/auth/cloud-platform https://www.googleapis.com/auth/userinfo.email"
MICROSOFT = "https://login.microsoftonline.com"
AKS_SERVER = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""The application id of every AKS cluster's API server in Entra ID."""
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_EKS_SECONDS = 60
"""Seconds that an EKS token's address is signed for; the cluster then takes the token for 14 minutes more."""
_EKS_LIFE = 14 * 60
_EARLY = 60.0
"""Seconds before its end from which a token is not used any more."""
PostForm = Callable[[str, Mapping[str, str]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class BearerToken:
    """A token that stays the same, such as a service account's."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A client certificate and its key, in PEM."""

    certificate: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EksRole:
    """An identity of AWS IAM. Empty `role` means this process's own; a role is assumed with `external_id`."""

    cluster: str
    region: str
    role: str = ""
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class GoogleServiceAccount:
    """A Google service account by its key, in PEM."""

    email: str
    key_id: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EntraClient:
    """An application of Microsoft Entra ID by its secret."""

    tenant: str
    client: str
    secret: str = field(repr=False)


Credential = BearerToken | ClientCertificate | EksRole | GoogleServiceAccount | EntraClient
_KINDS: dict[str, type[Any]] = {
    "token": BearerToken,
    "certificate": ClientCertificate,
    "eks": EksRole,
    "gke": GoogleServiceAccount,
    "aks": EntraClient,
}


@dataclass(frozen=True, slots=True)
class Access:
    """An API server's address, the certificates that vouch for it in PEM (empty: those of the system), and a credential."""

    server: str
    authority: str
    credential: Credential

    def to_dict(self) -> dict[str, Any]:
        """For a secret store: all of it, the credential too."""
        kind = next(name for name, each in _KINDS.items() if isinstance(self.credential, each))
        return {"server": self.server, "authority": self.authority, "kind": kind, "credential": asdict(self.credential)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Access:
        """What `to_dict` made."""
        return cls(value["server"], value["authority"], _KINDS[value["kind"]](**value["credential"]))


class Tokens:
    """A credential's bearer tokens, each kept as long as it lasts. One instance serves many threads."""

    def __init__(self, credential: Credential, post: PostForm | None = None, clock: Callable[[], float] = time.time) -> None:
        self._credential, self._post, self._clock = credential, post or _post, clock
        self._lock, self._token, self._until = Lock(), "", 0.0

    def __repr__(self) -> str:
        return f"Tokens({type(self._credential).__name__})"

    def current(self) -> str:
        """A token that is good for a minute at least. Raises ClusterUnavailable where one may be had later, else Failed."""
        with self._lock:
            now = self._clock()
            if not self._token or now >= self._until - _EARLY:
                self._token, self._until = self._made(now)
            return self._token

    def _made(self, now: float) -> tuple[str, float]:
        match self._credential:
            case BearerToken(token):
                return token, float("inf")
            case EksRole() as role:
                return eks_token(role), now + _EKS_LIFE
            case GoogleServiceAccount() as account:
                form = {"grant_type": _JWT_BEARER, "assertion": google_assertion(account, int(now))}
                return self._asked(GOOGLE_TOKENS, form, now, "Google")
            case EntraClient(tenant, client, secret):
                form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
                form["scope"] = f"{AKS_SERVER}/.default"
                return self._asked(f"{MICROSOFT}/{tenant}/oauth2/v2.0/token", form, now, "Microsoft Entra ID")
            case _:
                raise TypeError("a client certificate makes no tokens")

    def _asked(self, url: str, form: Mapping[str, str], now: float, who: str) -> tuple[str, float]:
        try:
            answer = self._post(url, form)
        except ProviderRefused as error:
            said = error.reason or "no"
            raise Failed(
                f"{who} gives no token for this credential: {said}.", remedy="Renew the cluster's credential."
            ) from None
        except ProviderUnavailable as error:
            raise ClusterUnavailable(f"{who} could not be asked for a token: {error}") from None
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token or not str(seconds).isdigit():
            raise ClusterUnavailable(f"{who} answered without a token.")
        return token, now + int(str(seconds))


def google_assertion(account: GoogleServiceAccount, now: int) -> str:
    """What a service account signs to get an access token. Raises Failed when its key is none."""
    import jwt

    claims = {"iss": account.email, "scope": GOOGLE_SCOPES, "aud": GOOGLE_TOKENS, "iat": now, "exp": now + 3600}
    try:
        return jwt.encode(claims, account.key, algorithm="RS256", headers={"kid": account.key_id})
    except (ValueError, TypeError, jwt.InvalidKeyError):
        remedy = "Make a new key of the service account and register it."
        raise Failed("The service account's key is not an RSA key in PEM.", remedy=remedy) from None


def eks_token(role: EksRole) -> str:
    """A token for an EKS cluster: the address of a GetCallerIdentity, signed for that cluster and for a minute.

    Raises ClusterUnavailable when the role cannot be assumed now, Failed when it may not be.
    """
    from botocore.credentials import Credentials
    from botocore.session import get_session
    from botocore.signers import RequestSigner

    session = get_session()
    found = _assumed(role) if role.role else session.get_credentials()
    if found is None:
        raise Failed("There are no AWS credentials to sign a token with.", remedy="Give the process a role.")
    frozen = found if role.role else found.get_frozen_credentials()
    keys = Credentials(frozen.access_key, frozen.secret_key, frozen.token)
    service = session.get_service_model("sts").service_id
    signer = RequestSigner(service, role.region, "sts", "v4", keys, session.get_component("event_emitter"))
    host = f"sts.{role.region}.amazonaws.com" + (".cn" if role.region.startswith("cn-") else "")
    request = {
        "method": "GET",
        "url": f"https://{host}/?Action=GetCallerIdentity&Version=2011-06-15",
        "body": {},
        "headers": {"x-k8s-aws-id": role.cluster},
        "context": {},
    }
    url = signer.generate_presigned_url(request, region_name=role.region, expires_in=_EKS_SECONDS, operation_name="")
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def _assumed(role: EksRole) -> Any:
    from botocore.credentials import Credentials
    from botocore.exceptions import BotoCoreError, ClientError

    from chalicelib.platform.aws import client, error_code

    asked = {"RoleArn": role.role, "RoleSessionName": "cygni", "DurationSeconds": 900}
    try:
        answer = client("sts").assume_role(**asked, **({"ExternalId": role.external_id} if role.external_id else {}))
    except ClientError as error:
        raise _not_assumed(role, error_code(error)) from None
    except BotoCoreError as error:
        raise ClusterUnavailable(f"AWS could not be asked for the role {role.role} ({type(error).__name__}).") from None
    keys = answer["Credentials"]
    return Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


def _not_assumed(role: EksRole, code: str) -> CygniError:
    if code in {"AccessDenied", "AccessDeniedException", "ValidationError", "RegionDisabledException"}:
        remedy = f"Let the role's trust policy admit Cygni with the external id {role.external_id}."
        return Failed(f"The role {role.role} cannot be assumed ({code}).", remedy=remedy)
    return ClusterUnavailable(f"AWS gave no credentials for the role {role.role} ({code}).")


def _post(url: str, form: Mapping[str, str]) -> Mapping[str, Any]:
    from chalicelib.platform.web import post_form

    return post_form(url, form)
