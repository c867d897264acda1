"""Routes as data: path, permission, shapes and errors, declared beside the few lines that serve them.

The adapter to the framework (`edge.py`), the OpenAPI document and the tests all read the same list. A route without a row in
the table of rights does not import, unless it says that it is public.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel

from chalicelib.api.world import World
from chalicelib.identity.principal import Principal
from chalicelib.identity.rules import MATRIX, SELF
from chalicelib.platform.errors import CygniError, Malformed
from chalicelib.platform.frozen import dataclass
from chalicelib.platform.late import loaded
from chalicelib.platform.once import Once
from chalicelib.platform.schema import Input
from chalicelib.projects.names import ServiceKey
from chalicelib.projects.rules import EnvironmentKind

B = TypeVar("B", bound=BaseModel)
Q = TypeVar("Q", bound=BaseModel)


JSON, FORM = "application/json", "application/x-www-form-urlencoded"


class Nothing(Input):
    """No body, or no query."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Where a request came from: its id, the address that the gateway saw, and what a browser adds by itself.

    `cookies` is its Cookie header, `site` how near the page is that led here (Sec-Fetch-Site); both may be empty.
    """

    request: str = ""
    source: str = ""
    cookies: str = field(default="", repr=False)
    site: str = ""


@dataclass(frozen=True, slots=True)
class Call(Generic[B, Q]):
    """One request, after its caller was authenticated and its body and query were validated.

    `if_match` is the version the caller saw, `once` its Idempotency-Key, `now` the time it arrived.
    `needs_approval` says that the caller may only propose this.
    """

    who: Principal
    path: Mapping[str, str]
    body: B
    query: Q
    now: datetime
    world: World
    if_match: int | None = None
    once: Once | None = None
    needs_approval: bool = False
    sender: Sender = Sender()

    @property
    def service(self) -> ServiceKey:
        """The service that the path names, bound to the caller's team."""
        return ServiceKey(self.who.team, self.path["project"], self.path["environment"], self.path["service"])

    def seen_version(self) -> int:
        """The version in `If-Match`. Raises Malformed when the header is missing: an update must say what it saw."""
        if self.if_match is None:
            remedy = 'Send the ETag of your last GET as If-Match: "3".'
            raise Malformed("This update needs an If-Match header.", remedy=remedy)
        return self.if_match


AnyCall = Call[Any, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route answers when its view alone does not say all: `version` becomes the ETag, `location` a header.

    `text`, of type `content_type`, is answered in place of a view. `cookies` are whole Set-Cookie headers.
    """

    view: BaseModel | None = None
    version: int | None = None
    location: str | None = None
    text: str | None = None
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()


KindOf = Callable[[AnyCall], EnvironmentKind]
"""What kind of environment a call concerns; asked only where the answer decides."""


def _kind_in_path(call: AnyCall) -> EnvironmentKind:
    from chalicelib.projects.service import get_environment

    return get_environment(call.who, call.path["project"], call.path["environment"]).kind


class Shapes(NamedTuple):
    """What a route answers and takes, as declared: classes, or what stands for them until they are needed."""

    answer: Any
    body: Any
    query: Any


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the API."""

    method: str
    path: str
    name: str
    summary: str
    tag: str
    public: bool
    handler: Callable[[AnyCall], BaseModel | Answer | dict[str, Any] | None]
    shapes: Shapes
    status: int
    errors: tuple[type[CygniError], ...]
    updates: bool
    kind: KindOf
    also: str | None
    takes: tuple[str, ...]
    page: bool
    oauth: bool
    anywhere: bool

    @property
    def answer(self) -> type[BaseModel] | None:
        """The shape of its answer."""
        shape: type[BaseModel] | None = loaded(self.shapes.answer)
        return shape

    @property
    def body(self) -> type[BaseModel]:
        """The shape of its body."""
        shape: type[BaseModel] = loaded(self.shapes.body)
        return shape

    @property
    def query(self) -> type[BaseModel]:
        """The shape of its query."""
        shape: type[BaseModel] = loaded(self.shapes.query)
        return shape

    @property
    def creates(self) -> bool:
        """Whether the operation takes an Idempotency-Key."""
        return self.method == "POST"


@dataclass(slots=True)
class Resource:
    """The routes of one resource, in the order they are declared; `tag` groups them in the OpenAPI document."""

    tag: str
    routes: list[Route] = field(default_factory=list)

    def route(
        self,
        method: str,
        path: str,
        *,
        answer: type[BaseModel] | None,
        public: bool = False,
        body: type[BaseModel] = Nothing,
        query: type[BaseModel] = Nothing,
        status: int = 200,
        errors: tuple[type[CygniError], ...] = (),
        updates: bool = False,
        kind: KindOf | None = None,
        also: str | None = None,
        takes: tuple[str, ...] = (JSON,),
        page: bool = False,
        oauth: bool = False,
        anywhere: bool = False,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Declares an operation. `updates` says that it honours If-Match; `errors` are those it may answer with by its own.

        `kind` says what kind of environment a call concerns, where the path does not name one that exists; `also` names
        another content type that it may answer in. `takes` are the content types of its body. A `page` is for people: it is
        answered in HTML, or sends the browser on, and so are its errors. An `oauth` route adds OAuth's members to its errors.
        A route that serves `anywhere` does so in a region that stands by, too.
        """

        def declare(handler: Callable[..., Any]) -> Callable[..., Any]:
            name = handler.__name__
            if public is (name in MATRIX or name in SELF):
                raise TypeError(
                    f"{method} {path}: {name} needs a row in identity.rules.MATRIX, or has to say that it is public"
                )
            summary = (handler.__doc__ or "").strip().split("\n")[0]
            self.routes.append(
                Route(
                    method,
                    path,
                    name,
                    summary,
                    self.tag,
                    public,
                    handler,
                    Shapes(answer, body, query),
                    status,
                    errors,
                    updates,
                    kind or _kind_in_path,
                    also,
                    takes,
                    page,
                    oauth,
                    anywhere,
                )
            )
            return handler

        return declare
