"""The OpenID provider: metadata, keys, sign-in, tokens, userinfo."""

from __future__ import annotations

from aiohttp import web

from cygni.local.idp.authorization import read_oidc
from cygni.local.idp.clients import NotAuthenticated, RepeatedParameter, authenticate, single
from cygni.local.idp.codes import TOKEN_SECONDS, Attempt, Refusal
from cygni.local.idp.door import Door
from cygni.local.idp.provider import FORM, Provider, answer, bearer_of, form_of, grant_of
from cygni.local.idp.tokens import discovery, id_token_claims, profile

TITLE = "Sign in: local identity provider"


class Oidc:
    """The routes of the OpenID provider."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        door = Door("/authorize", TITLE, read_oidc, provider.client, provider.codes, provider.now, provider.issuer)
        self.routes = [
            web.get("/.well-known/openid-configuration", self.metadata),
            web.get("/jwks", self.jwks),
            *door.routes,
            web.post("/token", self.token),
            web.get("/userinfo", self.userinfo),
            web.post("/userinfo", self.userinfo),
        ]

    async def metadata(self, _: web.Request) -> web.Response:
        """OpenID Connect Discovery, 4."""
        return answer(discovery(self._provider.issuer))

    async def jwks(self, _: web.Request) -> web.Response:
        """The key that ID tokens are checked with."""
        return answer({"keys": [self._provider.key.jwk()]})

    async def token(self, request: web.Request) -> web.Response:
        """A code for an ID token and an access token (OpenID Connect Core, 3.1.3); errors by RFC 6749, 5.2."""
        pairs = await form_of(request)
        if pairs is None:
            return _error("invalid_request", f"The body must be {FORM}.")
        try:
            form = single(pairs)
            authenticate(request.headers.get("Authorization"), form, self._provider.client)
        except RepeatedParameter:
            return _error("invalid_request", "A parameter came more than once.")
        except NotAuthenticated as error:
            return _error("invalid_client", str(error), 401, WWW_Authenticate='Basic realm="token"')
        if "grant_type" not in form:
            return _error("invalid_request", "grant_type is missing.")
        if form["grant_type"] != "authorization_code":
            return _error("unsupported_grant_type", "grant_type must be authorization_code.")
        if "code" not in form:
            return _error("invalid_request", "code is missing.")
        return self._redeem(form)

    async def userinfo(self, request: web.Request) -> web.Response:
        """Who the access token is about (OpenID Connect Core, 5.3)."""
        grant = grant_of(request, self._provider.codes, self._provider.now())
        if grant is not None:
            return answer(profile(grant))
        fault = "" if bearer_of(request) is None else ' error="invalid_token"'  # RFC 6750, 3.1: no code where no token came
        return answer({}, 401, WWW_Authenticate=f"Bearer{fault}")

    def _redeem(self, form: dict[str, str]) -> web.Response:
        provider, now = self._provider, self._provider.now()
        attempt = Attempt(provider.client.client_id, form.get("redirect_uri", ""), form.get("code_verifier"))
        redeemed = provider.codes.redeem(form["code"], attempt, now)
        if isinstance(redeemed, Refusal):
            return _error("invalid_grant", redeemed.value)
        grant, token = redeemed
        return answer(
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": int(TOKEN_SECONDS),
                "scope": " ".join(grant.scopes),
                "id_token": provider.key.sign(id_token_claims(grant, provider.issuer, token, int(now))),
            }
        )


def _error(error: str, description: str, status: int = 400, **headers: str) -> web.Response:
    return answer({"error": error, "error_description": description}, status, **headers)
