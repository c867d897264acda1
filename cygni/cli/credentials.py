"""Where the tokens of logins are kept: the system's keyring where there is a usable one, else a file for its owner's eyes.

The file is `credentials.json` beside the config file. What is kept is found by the context's name and its address together: a
token never goes to an address that somebody wrote into the context later.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from cygni.cli.errors import CliError, NotSignedIn
from cygni.cli.exits import Exit
from cygni.cli.locks import held
from cygni.cli.settings import Context, Kept

SERVICE = "cygni"
PATIENCE = 30.0
"""Seconds a keyring has for an answer: some wait for somebody to unlock them where nobody can."""

Found = TypeVar("Found")


class Keyring(Protocol):
    """The system's keyring, as the `keyring` library has it. Any of them raises when it is locked or broken."""

    def get_password(self, service: str, username: str) -> str | None:
        """What is kept under a name."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep something under a name."""

    def delete_password(self, service: str, username: str) -> None:
        """Forget what is kept under a name."""


def system_keyring() -> Keyring | None:
    """The keyring of this system; None where there is none, or none that its library would recommend."""
    try:
        import keyring  # 0.2 s, which only a login in a keyring is worth

        found = keyring.get_keyring()
        return found if found.priority >= 1 else None
    except Exception:  # noqa: BLE001 - back ends fail in ways of their own; without a keyring there is the file
        return None


@dataclass(frozen=True, slots=True)
class Login:
    """The tokens of a login. `renew_at` (Unix seconds, by this machine's clock) is when the access token should be renewed."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    renew_at: float
    team: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """All that is kept. Hold `locked` round every change, and round what is read for one."""

    folder: Path
    keyring: Callable[[], Keyring | None]
    keyring_allowed: bool
    patience: float = PATIENCE

    @property
    def file(self) -> Path:
        """The file for logins that are in no keyring."""
        return self.folder / "credentials.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One command at a time. Raises CliError."""
        with held(self.folder / "credentials.lock"):
            yield

    def read(self, context: Context) -> Login | None:
        """The login of a context, if there is one. Raises NotSignedIn when it is in a keyring that does not give it out."""
        if context.kept is Kept.FILE:
            return _login(_logins(self.file).get(_name(context)))
        if context.kept is None:
            return None
        text = self._ask(context, lambda keyring: keyring.get_password(SERVICE, _name(context)))
        try:
            return _login(json.loads(text)) if text else None
        except ValueError:
            return None

    def keep(self, context: Context, login: Login) -> Kept:
        """Keep a login where the context's is or, for a new one, where it is best. Raises CliError when that cannot be."""
        if context.kept is Kept.KEYRING:
            self._ask(context, lambda keyring: _put(keyring, context, login))
            return Kept.KEYRING
        if context.kept is None and self.keyring_allowed and self._fits(context, login):
            return Kept.KEYRING
        self._write({**_logins(self.file), _name(context): asdict(login)})
        return Kept.FILE

    def forget(self, context: Context) -> None:
        """Keep a context's login no longer. A keyring that does not let go of it is left alone."""
        if context.kept is Kept.FILE:
            logins = _logins(self.file)
            if logins.pop(_name(context), None) is not None:
                self._write(logins)
        elif context.kept is Kept.KEYRING:
            with contextlib.suppress(CliError):
                self._ask(context, lambda keyring: keyring.delete_password(SERVICE, _name(context)))

    def _fits(self, context: Context, login: Login) -> bool:
        """Whether the keyring took the login. One that does not is as good as none: there is the file."""
        found = self.keyring()
        if found is None:
            return False
        try:
            _within(self.patience, lambda: _put(found, context, login))
            return _within(self.patience, lambda: found.get_password(SERVICE, _name(context))) == _written(login)
        except Exception:  # noqa: BLE001 - see system_keyring
            return False

    def _ask(self, context: Context, call: Callable[[Keyring], Found]) -> Found:
        remedy = f"Unlock it, or keep logins in a file: `CYGNI_KEYRING=off {context.sign_in}`."
        if not self.keyring_allowed:
            raise NotSignedIn(
                f"Your login at {context.url} is in the system's keyring, which is switched off.",
                remedy=f"Sign in again: `{context.sign_in}`.",
            )
        found = self.keyring()
        if found is None:
            raise NotSignedIn(f"Your login at {context.url} is in the system's keyring, which is not there.", remedy=remedy)
        try:
            return _within(self.patience, lambda: call(found))
        except Exception as error:  # noqa: BLE001 - see system_keyring
            reason = str(error) or type(error).__name__
            raise NotSignedIn(f"The system's keyring does not give out your login: {reason}", remedy=remedy) from None

    def _write(self, logins: dict[str, Any]) -> None:
        draft = self.file.with_name(self.file.name + ".new")
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft.unlink(missing_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"logins": logins}, file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.file)
        except OSError as error:
            raise CliError(
                f"The login cannot be kept in {self.file}: {error.strerror}.",
                remedy="Make the folder writable, then sign in again: `cygni login`.",
                exit_code=Exit.USAGE,
                code="not-writable",
            ) from None


def _put(keyring: Keyring, context: Context, login: Login) -> None:
    keyring.set_password(SERVICE, _name(context), _written(login))


def _written(login: Login) -> str:
    return json.dumps(asdict(login))


def _name(context: Context) -> str:
    return f"{context.name} at {context.url.rstrip('/')}"


def _logins(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text("utf-8"))["logins"]
        return dict(found)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not what was written there"
        raise CliError(
            f"{file} cannot be read: {reason}.",
            remedy="Move it away, then sign in again: `cygni login`.",
            exit_code=Exit.NOT_SIGNED_IN,
            code="not-signed-in",
        ) from None


def _login(found: Any) -> Login | None:
    """What was kept; None for what is no login."""
    try:
        return Login(str(found["access_token"]), str(found["refresh_token"]), float(found["renew_at"]), str(found["team"]))
    except (KeyError, TypeError, ValueError):
        return None


def _within(seconds: float, call: Callable[[], Found]) -> Found:
    """What the call answers. Raises what it raises, or TimeoutError; a call that hangs does not keep the command running."""
    outcome: list[Found] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(call())
        except BaseException as error:  # noqa: BLE001 - it is raised again where somebody waits for it
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if not outcome:
        raise TimeoutError(f"it did not answer within {seconds:.0f} s")
    return outcome[0]
