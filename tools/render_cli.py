"""Writes `docs/cli-reference.md` from the command's own tree and tables. A test fails when the file is not fresh."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from cygni.cli.exits import Exit
from cygni.cli.main import TREE, app

TARGET = Path(__file__).parent.parent / "docs" / "cli-reference.md"

HEAD = """# The `cygni` command

This page is written by `python -m tools.render_cli` from the command itself; a test fails when it is stale.

## Which control plane

`--context NAME` is strongest, then `CYGNI_ENDPOINT` and `CYGNI_TOKEN`, then the current context of
`$XDG_CONFIG_HOME/cygni/config.toml` (by default `~/.config/cygni/config.toml`), which `make up` and `cygni login` write:

```toml
current = "local"

[contexts.local]
url = "http://127.0.0.1:8787"
token = "…"
apps_url = "http://localhost:8080"

[contexts.work]
url = "https://api.example.com"
login = "keyring"
```

## Signing in

A person signs in with `cygni login`: it shows a code, and opens the page where it is approved in a browser (RFC 8628). The
login is kept in the system's keyring where there is one that works, else in `credentials.json` beside the config file, which
only its owner can read; `cygni login` says where. `CYGNI_KEYRING=off`, or `keyring = false` at the top of the config file,
keeps it out of the keyring. An access token lives for fifteen minutes and is renewed before it ends, once for all commands
that run at that moment; a login that is not used for thirty days ends. `cygni sessions` lists and ends logins, on other
machines too.

A machine has an API key (`cygni keys create`) in `CYGNI_TOKEN`, or as `token` in a context. `CYGNI_TOKEN` wins over a login.

A job of GitHub Actions needs no secret of ours: with `CYGNI_ENDPOINT` and `CYGNI_TEAM` set, the permission `id-token: write`,
and a team that trusts the repository (`cygni ci trust`), the command signs in by itself. `cygni whoami` and `cygni doctor`
say by what they are signed in.

Commands are about one team: the current one of the login (`cygni team switch`), or the one that a key or a job belongs to.

## Names

A project is the `name` in the nearest `cygni.yaml`, an environment is `prod`, a service is the only one or `web`, unless an
option names another. A release is `r3` or `3`. A deployment is `latest`, its release (`r3`), or its id (`dep_…`). Teams,
members, keys, trusts, invitations and sign-ins are named by their names or their ids. A role is narrowed with `--only
PROJECT`, `--only PROJECT/ENVIRONMENT`, or either with another role there: `--only shop/prod:viewer`.

## What is deployed

All files of the folder with `cygni.yaml`, but those that `.gitignore` and `.cygniignore` leave out, read as git reads them, in
every folder; `.cygniignore` has the last word over the `.gitignore` beside it. Histories (`.git`), environments (`.venv`, and
any folder with a `pyvenv.cfg`), `node_modules` and caches never go along. A symbolic link must stay within the folder.

## Variables of the command's own

| variable | what it does |
| --- | --- |
| `CYGNI_ENDPOINT` | the control plane's address; without a token, a login or a job of GitHub Actions signs in there |
| `CYGNI_TOKEN` | an API key |
| `CYGNI_TEAM` | the id of the team that a job of GitHub Actions signs in to |
| `CYGNI_KEYRING` | `off`: logins are kept in a file; `on`: in the keyring where there is one, whatever the config file says |
| `XDG_CONFIG_HOME` | where the config file, and logins that are in no keyring, are |
| `NO_COLOR` | no colours |
| `CYGNI_DEBUG` | an unexpected error shows its trace |
"""

JSON = """## What `--json` prints

The contract: one JSON document on stdout, or for a stream one JSON object a line; snake_case keys, times in ISO 8601 and UTC.
What the API sent is passed on as it came (its [OpenAPI document](reference.md) has the shapes). An error is one document on
stderr, `{"error": {"code", "message", "remedy", "exit_code", "fields": [{"field", "message", "remedy", "line", "column"}]}}`,
and then stdout is empty. New keys may come; none is renamed or taken away.

| command | prints |
| --- | --- |
"""

DOCUMENTS = {
    "init": "`{path, name, service, plan, warning}`; `plan` is null when nothing was detected",
    "plan": "a PlanView",
    "deploy": "the DeploymentView that has ended, or awaits approval; with `--detach` the new one",
    "follow": "stream of `{type: event, …EventView}`, `{type: build_log, text}`, `{type: progress, deployment, traffic}`, "
    "and last `{type: ended, deployment}` or `{type: awaiting_approval, deployment}`",
    "rollback": "as `deploy`",
    "promote": "a DeploymentView",
    "pause": "a DeploymentView",
    "resume": "a DeploymentView",
    "abort": "a DeploymentView",
    "approve": "a DeploymentView",
    "reject": "a DeploymentView",
    "status": "`{service, deployment, traffic}`: a ServiceView; the DeploymentView under way, else the newest, else null; "
    "a TrafficView or null",
    "deployments": "a page `{items, next_cursor}` of DeploymentView",
    "releases": "a page of ReleaseView",
    "logs": "a LogView; with `--follow` a stream of LogLineView",
    "build-log": "`{deployment, lines, complete}`",
    "explain": "an ExplanationView",
    "replay": "a ReplayView",
    "open": "`{url}`",
    "config set": "as `deploy`; with `--stage`, or before the first release, the ConfigView with null for each value",
    "config unset": "as `config set`",
    "config list": "a ConfigView; null for each value without `--show`",
    "projects": "a page of ProjectView, with all of them",
    "environments list": "a page of EnvironmentView, with all of them",
    "environments create": "an EnvironmentView",
    "environments freeze": "an EnvironmentView",
    "environments thaw": "an EnvironmentView",
    "services list": "a page of ServiceView, with all of them",
    "services delete": "a ServiceView",
    "clusters list": "a page of ClusterView, with all of them",
    "clusters add": "a ClusterView, after a check",
    "clusters check": "a ClusterView",
    "clusters remove": "the ClusterView as it was",
    "clusters place": "an EnvironmentView",
    "login": "stream: first `{type: code, user_code, verification_uri, verification_uri_complete, expires_in, interval, "
    "page}`, last `{type: signed_in, context, endpoint, kept, path, …WhoamiView, teams}`; `kept` is keyring or file",
    "logout": "`{context, endpoint, ended}`; `ended` is false when the control plane did not confirm it",
    "whoami": "the WhoamiView with `context`, `endpoint` and `means`: token, login or github-actions",
    "team list": "a page of MyTeamView, with all of them",
    "team create": "a TeamView",
    "team switch": "a MyTeamView",
    "team show": "a TeamView",
    "team rename": "a TeamView",
    "team retention": "a TeamView",
    "team join": "a MyTeamView; with `--show` an OfferView",
    "team leave": "the TeamView as it was",
    "team delete": "the TeamView as it was",
    "team members": "a page of MemberView, with all of them",
    "team invite": "an IssuedInvitation; `link` is not shown again",
    "team invitations": "a page of InvitationView, with all of them",
    "team uninvite": "the InvitationView as it was",
    "team role": "a MemberView",
    "team remove": "the MemberView as it was",
    "team transfer": "the new Owner's MemberView",
    "keys create": "an IssuedApiKey; `key` is not shown again",
    "keys list": "a page of ApiKeyView, with all of them",
    "keys rotate": "an IssuedApiKey",
    "keys revoke": "the ApiKeyView as it was",
    "ci trust": "a TrustView",
    "ci list": "a page of TrustView, with all of them",
    "ci untrust": "the TrustView as it was",
    "audit list": "a page of LineView, as many as `--limit` says",
    "audit export": "`{path, format, lines}`",
    "audit verify": "`{ok, head, lines, oldest, newest, expired, faults: [{seq, sentence}]}`; `head` is SEQ:DIGEST",
    "sessions list": "a page of SessionView, with all of them",
    "sessions revoke": "the SessionView as it was",
    "account export": "`{path, user, lines}`",
    "account erase": "`{subject, erased}`",
    "admin replay": "`{place, dry_run, replayed, left, letters: [{id, queue, sent_at, function, error, about, outcome, "
    "left}]}`; without `--queue` or `--all`: `{place, queues: [{name, waiting, held}]}`",
    "doctor": "`{ok, checks: [{name, level, detail, remedy}]}`; `level` is ok, note or fault",
    "version": "`{version, python}`",
}


def render() -> str:
    """The page's text."""
    parts = [HEAD, "## Exit codes\n", _exit_codes(), JSON + _documents()]
    root: Any = get_command(app)
    for panel, names in TREE:
        parts.append(f"## {panel}\n")
        for name in names:
            parts += list(_sections(root.commands[name], name))
    return "\n".join(parts).rstrip() + "\n"


def commands() -> list[str]:
    """The names of all commands, those of groups with their group's name before them."""
    root: Any = get_command(app)
    return [full for _, names in TREE for name in names for full, _ in _leaves(root.commands[name], name)]


def _leaves(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield name, command
        return
    for verb, below in command.commands.items():
        yield f"{name} {verb}", below


def _exit_codes() -> str:
    rows = [f"| {int(each)} | {each.meaning} |" for each in Exit]
    return "\n".join(["| code | meaning |", "| --- | --- |", *rows]) + "\n"


def _documents() -> str:
    return "\n".join(f"| `cygni {name}` | {told} |" for name, told in DOCUMENTS.items()) + "\n"


def _sections(command: Any, name: str) -> Iterator[str]:
    for full, leaf in _leaves(command, name):
        arguments = [each for each in leaf.params if each.param_type_name == "argument"]
        options = [each for each in leaf.params if each.param_type_name == "option"]
        usage = " ".join(["cygni", full, *(each.metavar for each in arguments), "[OPTIONS]"])
        yield f"### `cygni {full}`\n\n{_help(leaf)}\n\n```\n{usage}\n```\n"
        rows = [f"| `{each.metavar}` | {_cell(each.help)} |" for each in arguments]
        rows += [f"| {_flags(each)} | {_cell(each.help)} |" for each in options if each.name != "help"]
        yield "\n".join(["| | |", "| --- | --- |", *rows]) + "\n"


def _help(command: Any) -> str:
    text = inspect.cleandoc(command.help or "").replace("\x08", "")
    before, _, example = text.partition("Example: ")
    return f"{before.strip()}\n\nExample: `{' '.join(example.split())}`" if example else before.strip()


def _flags(option: Any) -> str:
    value = "" if option.is_flag else f" {option.metavar}"
    names = [f"`{flag}{value}`" for flag in [*option.opts, *option.secondary_opts]]
    return ", ".join(names)


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
    print(f"wrote {TARGET}")
