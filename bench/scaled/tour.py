"""What requests cost of the store among so many services: the same requests of the big team, at each size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bench.scaled.fill import Population
from bench.store_count import Counter
from chalicelib.identity.service import Grant, Role
from chalicelib.identity.standing import Standing
from tests.support.people import sign_in
from tests.support.rollout import Stage
from tests.support.world import TEAM, Client, Fakes, Reply

PAGE = 5
"""Items of a page: the smallest store has two such pages to give, so that what is compared is alike."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What one request, or one flow, cost of the store."""

    calls: int
    items: int
    read: float
    written: int


def new_stage() -> Stage:
    """The API of an installation whose big team may have as many services as there are."""
    fakes = Fakes()
    fakes.settings = replace(fakes.settings, quota_services=10**6, quota_projects=10**3)
    return Stage(Client(fakes), fakes)


def found(stage: Stage) -> Population:
    """Makes the big team's first project and service, deploys it twice, and what others are made like."""
    _made(stage.api.post("/v1/projects", {"name": "hello"}))
    _made(stage.api.post("/v1/projects/hello/environments/prod/services", {"name": "web"}))
    for digit in "ab":
        stage.deploy(digit=digit)
    return Population.like(stage)


class Tour:
    """Sends the same requests each time, and keeps what each cost."""

    def __init__(self, stage: Stage, counter: Counter, population: Population) -> None:
        self.stage, self.counter, self.population = stage, counter, population
        key = _made(stage.api.post("/v1/team/keys", {"name": "ci", "role": "viewer"})).json["key"]
        self.by_key = {"authorization": f"Bearer {key}"}
        stranger = sign_in(stage.fakes, "Eve", Standing())
        self.by_stranger = {"authorization": f"Bearer {stranger.access_token}"}
        self.spent: dict[str, Spent] = {}

    def run(self) -> dict[str, Spent]:
        """All requests once; reads a second time, when the process is warm."""
        self.spent = {}
        self._reads()
        self._authorizes()
        self._writes()
        self._count("sweep", self.stage.sweep)
        return self.spent

    def _reads(self) -> None:
        services = "/v1/projects/hello/environments/prod/services"
        key = next(key for key in reversed(self.population.keys) if (key.team, key.project) == (TEAM, "hello"))
        path = f"{services}/{key.service}"
        made = self.stage.api.get(f"{path}/deployments").json["items"][0]["id"]
        self._get("list projects", "/v1/projects")
        self._get("list environments", "/v1/projects/hello/environments")
        first = self._get("list services", services)
        self._get("list services, second page", services, cursor=first.json["next_cursor"])
        self._get("list members", "/v1/team/members")
        self._get("get service", path)
        self._get("get config", f"{path}/config")
        self._get("list deployments", f"{path}/deployments")
        self._get("get deployment", f"{path}/deployments/{made}")
        self._get("follow its timeline", f"{path}/deployments/{made}/timeline")
        self._get("list releases", f"{path}/releases")

    def _authorizes(self) -> None:
        member = f"{self.stage.path}"
        token = sign_in(self.stage.fakes, "Ada", Standing(TEAM, "", Grant(Role.DEVELOPER))).access_token
        self._get("get service, with an API key", member, self.by_key)
        self._get("get service, with a token", member, {"authorization": f"Bearer {token}"})
        self._get("refuse a stranger", member, self.by_stranger, status=403)
        deploy = {"redeploy": True}
        self._count(
            "refuse a viewer's deploy",
            lambda: self.stage.api.post(f"{self.stage.path}/deployments", deploy, headers=self.by_key),
            status=403,
        )

    def _writes(self) -> None:
        stage, name = self.stage, f"n{len(self.population.keys)}"
        services = "/v1/projects/hello/environments/prod/services"
        key = {"idempotency-key": name}
        self._count("create service", lambda: stage.api.post(services, {"name": name}, headers=key), status=201)
        source, made = stage.source(), ""

        def create() -> Reply:
            nonlocal made
            answer = stage.api.post(f"{stage.path}/deployments", {"source": source}, headers=key)
            made = answer.json["id"]
            return answer

        self._count("deploy: its POST", create, status=201)
        self._count("deploy: its rollout", lambda: self._roll_out(made))

    def _roll_out(self, made: str) -> None:
        stage = self.stage
        stage.begin(made)
        stage.built(made)
        stage.run(made)
        stage.finish(made)
        if stage.read(made)["state"] != "promoted":
            raise SystemExit("the deployment was not promoted")

    def _get(self, name: str, path: str, headers: dict[str, str] | None = None, *, status: int = 200, **query: Any) -> Reply:
        paged = {"limit": str(PAGE)} if name.startswith("list") else {}

        def send() -> Reply:
            return self.stage.api.get(path, headers=headers, query={**paged, **query} or None)

        send()
        return self._count(name, send, status=status)  # type: ignore[no-any-return]

    def _count(self, name: str, call: Callable[[], Any], *, status: int | None = None) -> Any:
        self.counter.clear()
        answer = call()
        if status is not None and answer.status != status:
            raise SystemExit(f"{name}: {answer.status} instead of {status}: {answer.text}")
        counter = self.counter
        self.spent[name] = Spent(len(counter.calls), counter.items, counter.read_units, counter.units)
        return answer


def growth(small: Spent, large: Spent) -> float:
    """How many times as much the dearest of the four counts became; 1 where nothing grew, and what was nothing must stay so."""
    pairs = ((small.calls, large.calls), (small.items, large.items), (small.read, large.read), (small.written, large.written))
    return max((many / few if few else float("inf")) if many else 1.0 for few, many in pairs)


def _made(answer: Reply) -> Reply:
    if answer.status >= 300:
        raise SystemExit(answer.text)
    return answer
