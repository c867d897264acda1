"""`python -m tests.state_machines.judge ministack|moto`: plays from stdin as JSON lines, outcomes to stdout.

A process of its own, since an emulator fills its process with settings, threads and clients that no other test should meet.
Plays run side by side, each with functions and machines of its own names.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.state_machines import emulators
from tests.state_machines.plays import placeholders, substitute

_ENDED = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}
_AT_ONCE = 8
_ROLE = "arn:aws:iam::000000000000:role/judge"


class Judge:
    """One emulator and the scripts of the plays it runs now."""

    def __init__(self, emulator: str) -> None:
        port = emulators.environment()
        self._lock = threading.Lock()
        self._scripts: dict[str, list[dict[str, Any]]] = {}
        self._calls: dict[str, list[tuple[str, Any]]] = {}
        url = emulators.EMULATORS[emulator](port, self._invoke, Path(tempfile.mkdtemp(prefix="judge-")))
        import boto3
        from botocore.config import Config

        config = Config(max_pool_connections=_AT_ONCE * 2, retries={"total_max_attempts": 1})
        self._functions = boto3.client("lambda", endpoint_url=url, config=config)
        self._machines = boto3.client("stepfunctions", endpoint_url=url, config=config)
        self._roles = boto3.client("iam", endpoint_url=url)
        policy = json.dumps({"Version": "2012-10-17", "Statement": []})
        self._role = self._roles.create_role(RoleName="judge", AssumeRolePolicyDocument=policy)["Role"]["Arn"]

    def run(self, number: int, play: dict[str, Any]) -> dict[str, Any]:
        """Plays one play; the answer is an Outcome as JSON values."""
        tag = f"p{number}"
        self._calls[tag] = []
        values = self._create_functions(tag, play)
        for name in play["machines"]:
            values[f"machine:{name}"] = f"arn:aws:states:us-east-1:{self._account()}:stateMachine:{tag}-{name}"
        for name, text in play["machines"].items():
            self._machines.create_state_machine(
                name=f"{tag}-{name}", definition=_shortened(substitute(text, values), play["timeouts"]), roleArn=self._role
            )
        started = self._machines.start_execution(
            stateMachineArn=values[f"machine:{play['start']}"], name=tag, input=json.dumps(play["value"])
        )
        answer = self._ended(started["executionArn"])
        children = {name: self._visited_by_machine(values[f"machine:{name}"]) for name in play["machines"]}
        del children[play["start"]]
        return {
            "status": answer["status"],
            "error": answer.get("error"),
            "output": json.loads(answer.get("output") or "null") if answer["status"] == "SUCCEEDED" else None,
            "visited": self._visited(started["executionArn"]),
            "calls": self._calls[tag],
            "children": children,
        }

    def _account(self) -> str:
        return str(self._role.split(":")[4])

    def _create_functions(self, tag: str, play: dict[str, Any]) -> dict[str, str]:
        names = {name for text in play["machines"].values() for name in placeholders(text) if not name.startswith("machine:")}
        arns = {}
        for name in names:
            with self._lock:
                self._scripts[f"{tag}-{name}"] = list(play["script"].get(name, [{"returns": {}}]))
            arns[name] = self._functions.create_function(
                FunctionName=f"{tag}-{name}",
                Runtime="python3.13",
                Role=self._role,
                Handler="index.handler",
                Code={"ZipFile": emulators.EMPTY_ZIP},
                Timeout=900,
            )["FunctionArn"]
        return arns

    def _invoke(self, function: str, event: Any) -> tuple[bool, Any]:
        tag, _, name = function.partition("-")
        with self._lock:
            script = self._scripts[function]
            line = script.pop(0) if len(script) > 1 else script[0]
            self._calls[tag].append((name, event))
        time.sleep(line.get("seconds") or 0)
        if line.get("token"):
            self._answer(event["token"], line["token"])
        if line.get("raises"):
            return False, {"errorType": line["raises"], "errorMessage": "as the script says", "stackTrace": []}
        return True, line.get("returns")

    def _answer(self, token: str, answer: dict[str, Any]) -> None:
        def later() -> None:
            for _ in range(500):
                time.sleep(0.2)
                with contextlib.suppress(Exception):  # the emulator may be busy, or not wait for the token yet
                    self._send(token, answer)
                    return

        threading.Thread(target=later, daemon=True).start()

    def _send(self, token: str, answer: dict[str, Any]) -> None:
        if "error" in answer:
            self._machines.send_task_failure(taskToken=token, error=answer["error"], cause=answer.get("cause", ""))
        else:
            self._machines.send_task_success(taskToken=token, output=json.dumps(answer["output"]))

    def _ended(self, execution: str, seconds: float = 300.0) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while True:
            answer: dict[str, Any] = self._machines.describe_execution(executionArn=execution)
            if answer["status"] in _ENDED:
                return answer
            if time.monotonic() > deadline:
                return {**answer, "status": "STILL_RUNNING"}
            time.sleep(0.03)

    def _visited(self, execution: str) -> list[str]:
        pages = self._machines.get_paginator("get_execution_history").paginate(executionArn=execution)
        events = [event for page in pages for event in page["events"]]
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]

    def _visited_by_machine(self, machine: str) -> list[str]:
        executions = self._machines.list_executions(stateMachineArn=machine)["executions"]
        return [state for execution in executions for state in self._visited(execution["executionArn"])]


def _shortened(text: str, timeouts: dict[str, int]) -> str:
    definition = json.loads(text)
    for name, state in definition["States"].items():
        if name in timeouts:
            state["TimeoutSeconds"] = timeouts[name]
    return json.dumps(definition)


def main() -> None:
    """Answers each play with {"number", "outcome"} or {"number", "failure"}, in the order they end."""
    answers, sys.stdout = sys.stdout, sys.stderr
    judge = Judge(sys.argv[1])
    lock = threading.Lock()

    def play(number: int, value: dict[str, Any]) -> None:
        try:
            answer: dict[str, Any] = {"number": number, "outcome": judge.run(number, value)}
        except Exception as error:  # noqa: BLE001 - told to the test, which fails with it
            answer = {"number": number, "failure": f"{type(error).__name__}: {error}"}
        with lock:
            print(json.dumps(answer), file=answers, flush=True)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for line in sys.stdin:
            asked = json.loads(line)
            pool.submit(play, asked["number"], asked["play"])


if __name__ == "__main__":
    main()
