"""The embedded cloud as a newcomer runs it: up, deploy, kill, up again. Everything through the command and the gateway."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from cygni.local.demo.children import await_end, runs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Home:
    """An embedded cloud in a folder of its own, and an app that is deployed to it."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CYGNI_", "AWS_", "KUBE"))}
        return kept | {"XDG_CONFIG_HOME": str(self.folder / "config"), "XDG_STATE_HOME": str(self.folder / "state")}

    def up(self) -> None:
        ports = ["--api-port", "0", "--apps-port", "0"] if not (self.folder / "state").exists() else []
        command = [sys.executable, "-m", "cygni.local", "up", *ports]
        with (self.folder / "up.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environ, stdout=log, stderr=log, start_new_session=True)
        self.until(lambda: self.cygni("whoami").returncode == 0)

    def kill(self) -> None:
        """Everything at once, as a power cut would."""
        assert self.process is not None
        for child in psutil.Process(self.process.pid).children(recursive=True):
            child.kill()
        self.process.kill()
        self.process.wait()

    def down(self) -> list[str]:
        """Stops it in order; what it left behind."""
        assert self.process is not None
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(90) == 0
        await_end(family, 30)  # one that was killed may take a moment to be gone
        return [str(each) for each in family if runs(each)]

    def cygni(self, *arguments: str, app: str = "app") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cygni.cli", *arguments]
        folder = self.folder / app
        folder.mkdir(exist_ok=True)
        return subprocess.run(command, cwd=folder, env=self.environ, capture_output=True, text=True, timeout=300, check=False)

    def json(self, *arguments: str) -> Any:
        done = self.cygni(*arguments, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def take(self, example: str) -> None:
        shutil.rmtree(self.folder / "app", ignore_errors=True)
        shutil.copytree(ROOT / "examples" / example, self.folder / "app", ignore=shutil.ignore_patterns("__pycache__"))

    def get(self, **headers: str) -> tuple[int, str]:
        ports = json.loads((self.folder / "state" / "cygni" / "ports.json").read_text())
        connection = http.client.HTTPConnection("127.0.0.1", ports["apps"], timeout=30)
        try:
            connection.request("GET", "/", headers={"Host": "hello.localhost", **headers})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError as error:
            return 0, str(error)
        finally:
            connection.close()

    def keys_of_identity(self, port: int) -> list[str]:
        """The names of the keys that the identity provider publishes; none while it does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", "/jwks")
            return [each["kid"] for each in json.loads(connection.getresponse().read())["keys"]]
        except OSError:
            return []
        finally:
            connection.close()

    def state(self, deployment: str) -> str:
        done = self.cygni("deployments", "--json")
        if done.returncode != 0:
            return "unreachable"
        return next(each["state"] for each in json.loads(done.stdout)["items"] if each["id"] == deployment)

    def until(self, what: Any, seconds: float = 240) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert self.process is None or self.process.poll() is None, (self.folder / "up.log").read_text()
            assert time.monotonic() < deadline, (self.folder / "up.log").read_text()
            time.sleep(0.2)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path)
    home.up()
    home.take("hello")
    yield home
    if home.process is not None and home.process.poll() is None:
        home.kill()


def test_what_runs_survives_a_restart_and_nothing_is_left_when_it_stops(home: Home) -> None:
    assert home.cygni("deploy").returncode == 0
    assert home.get()[0] == 200

    assert home.down() == []
    home.up()

    home.until(lambda: home.get()[0] == 200)
    assert home.down() == []


def test_the_identity_provider_comes_back_with_the_same_key_when_it_is_killed(home: Home) -> None:
    assert home.process is not None
    ports = json.loads((home.folder / "state" / "cygni" / "ports.json").read_text())
    first = home.keys_of_identity(ports["idp"])
    children = psutil.Process(home.process.pid).children()
    identity = [each for each in children if "cygni.local.idp" in each.cmdline()]
    assert len(children) == 4
    assert len(identity) == 1
    assert len(first) == 1

    identity[0].kill()

    home.until(lambda: home.keys_of_identity(ports["idp"]) == first and not identity[0].is_running())
    assert home.cygni("whoami").returncode == 0
    assert home.down() == []


def test_a_power_cut_in_the_middle_of_a_rollout_still_comes_to_a_right_end(home: Home) -> None:
    assert home.cygni("deploy").returncode == 0
    home.take("hello-v2")
    made = home.json("deploy", "--detach")
    home.until(lambda: home.state(made["id"]) == "rolling_out")
    for _ in range(40):
        home.get()
    saved = home.folder / "state" / "cygni" / "cloud" / "aws" / "services" / "dynamodb.json"
    home.until(lambda: made["id"] in saved.read_text())  # what came after the last snapshot may be lost
    time.sleep(3)  # into the rollout

    home.kill()
    home.up()

    assert home.get()[0] in (0, 200, 502, 503)

    def ended() -> bool:
        for _ in range(30):
            home.get()
        return home.state(made["id"]) in {"promoted", "rolled_back"}

    home.until(ended)
    home.until(lambda: home.get()[0] == 200)
    assert home.state(made["id"]) == "promoted"
    assert "version 2" in home.get()[1]


def test_an_app_that_exits_fails_its_deployment_at_once_with_its_last_words(home: Home) -> None:
    (home.folder / "app" / "app.py").write_text('import sys\nprint("no database at db:5432", flush=True)\nsys.exit(3)\n')

    done = home.cygni("deploy")

    assert done.returncode != 0
    assert "no database at db:5432" in done.stdout + done.stderr
    assert "3" in done.stdout + done.stderr


def test_an_app_on_another_port_is_told_which_one_was_found(home: Home) -> None:
    source = (
        "from http.server import BaseHTTPRequestHandler, HTTPServer\n"
        "HTTPServer(('', 34567), BaseHTTPRequestHandler).serve_forever()\n"
    )
    (home.folder / "app" / "app.py").write_text(source)

    done = home.cygni("deploy")

    assert done.returncode != 0
    assert "34567" in done.stdout + done.stderr
    assert "PORT" in done.stdout + done.stderr


def test_two_deploys_at_once_are_one_queue(home: Home) -> None:
    assert home.cygni("deploy").returncode == 0
    first, second = home.json("deploy", "--detach"), home.json("deploy", "--detach")

    service = home.json("status")

    assert first["id"] != second["id"]
    assert second["id"] in json.dumps(service)
    assert home.cygni("abort", first["id"]).returncode == 0
    home.until(lambda: home.state(first["id"]) in {"rolled_back", "cancelled"})
    home.until(lambda: home.state(second["id"]) != "queued")
