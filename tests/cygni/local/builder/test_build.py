from __future__ import annotations

import os
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chalicelib.platform.errors import BuildFailed, SourceRefused
from cygni.local.builder import build
from cygni.local.images import ImageStore
from tests.cygni.local.builder.support import Builder, fetch, is_over, running

APP = {"app.py": "print('hello')"}
SITE = {"public/index.html": "home", "notes.txt": "not served"}


def test_an_image_holds_the_source_and_says_how_it_runs(builder: Builder) -> None:
    digest = builder.build(APP)

    assert (builder.image(digest) / "app/app.py").read_text() == "print('hello')"
    assert builder.manifest(digest) == {
        "digest": digest,
        "command": ["sh", "-c", "exec python app.py"],
        "env": {
            "LANG": "C.UTF-8",
            "PATH": "${IMAGE}/deps/bin:/usr/local/bin:/usr/bin:/bin",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        "workdir": "app",
    }


def test_the_store_of_the_node_finds_what_was_built(builder: Builder) -> None:
    digest = builder.build(APP)

    assert ImageStore(builder.images).find(f"registry.localhost/a/web@{digest}").command[-1] == "exec python app.py"


def test_the_same_source_and_plan_give_the_same_digest_anywhere(builder: Builder, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()

    assert builder.build(APP) == Builder(tmp_path / "other").build(APP)
    assert builder.build({"app.py": "print('bye')"}) != builder.build(APP) != builder.build(APP, start="python -u app.py")


def test_building_again_does_nothing(builder: Builder) -> None:
    digest = builder.build(APP)
    before = (builder.image(digest) / "image.json").stat().st_mtime_ns

    again = builder.build(APP)

    assert (again, (builder.image(digest) / "image.json").stat().st_mtime_ns) == (digest, before)
    assert builder.lines[-1] == f"Nothing has changed: {digest[:19]} is built already."


def test_an_image_that_was_removed_is_built_again(builder: Builder) -> None:
    digest = builder.build(APP)
    (builder.image(digest) / "image.json").unlink()
    for path in sorted(builder.image(digest).rglob("*"), reverse=True):
        path.unlink() if path.is_symlink() or path.is_file() else path.rmdir()
    builder.image(digest).rmdir()

    assert builder.build(APP) == digest
    assert (builder.image(digest) / "image.json").exists()


def test_builds_at_once_of_the_same_thing_end_in_one_whole_image(builder: Builder) -> None:
    with ThreadPoolExecutor(6) as pool:
        digests = set(pool.map(lambda _: builder.build(SITE), range(12)))

    assert len(digests) == 1
    assert os.listdir(builder.images) == [digests.pop().replace(":", "-")]
    assert os.listdir(builder.work) == []


def test_an_image_has_the_context_only(builder: Builder) -> None:
    digest = builder.build({"api/app.py": "1", "web/index.html": "2"}, build={"context": "api"})

    assert os.listdir(builder.image(digest) / "app") == ["app.py"]


def test_a_site_is_served_with_nothing_but_its_folder(builder: Builder, port: int) -> None:
    image = builder.image(builder.build(SITE))

    assert os.listdir(image / "app") == ["index.html"]
    with running(image, port) as address:
        assert fetch(address) == "home"


def test_a_build_command_runs_in_the_source_and_its_output_is_logged(builder: Builder) -> None:
    digest = builder.build(APP, build={"command": "echo made it; echo 1 > made.txt"})

    assert (builder.image(digest) / "app/made.txt").read_text() == "1\n"
    assert "made it" in builder.lines


def test_a_build_command_finds_the_application_python_and_no_credentials(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:hunter2@example.com/simple")

    digest = builder.build(APP, build={"command": "command -v python; env > seen.txt; ls -a $HOME >> seen.txt"})

    assert any(line.endswith("/deps/bin/python") for line in builder.lines)
    assert "hunter2" not in (builder.image(digest) / "app/seen.txt").read_text()


def test_a_failing_build_says_its_last_lines_and_leaves_nothing(builder: Builder) -> None:
    with pytest.raises(BuildFailed, match="exit code 3") as failed:
        builder.build(APP, build={"command": "for i in $(seq 40); do echo line $i; done; exit 3"})

    assert failed.value.message.splitlines()[1:] == [f"line {number}" for number in range(21, 41)]
    assert failed.value.remedy
    assert (os.listdir(builder.images), os.listdir(builder.work)) == ([], [])


def test_a_build_that_is_cancelled_stops_at_once_with_all_it_started(builder: Builder, tmp_path: Path) -> None:
    pid = tmp_path / "pid"

    def cancel() -> None:
        while not (pid.exists() and pid.read_text().endswith("\n")):
            time.sleep(0.01)
        builder.cancelled.set()

    threading.Thread(target=cancel, daemon=True).start()
    with pytest.raises(BuildFailed, match="cancelled"):
        builder.build(APP, build={"command": f"sleep 600 & echo $! > {pid}; wait"})

    assert is_over(int(pid.read_text()))


def test_a_build_that_takes_too_long_is_ended(builder: Builder) -> None:
    with pytest.raises(BuildFailed, match="longer than its 1 seconds"):
        builder.build(APP, timeout=1, build={"command": "echo still here; sleep 60"})


def test_a_dockerfile_is_refused_with_a_way_on(builder: Builder) -> None:
    with pytest.raises(BuildFailed, match="no containers, so it cannot build api/Dockerfile") as failed:
        builder.build({"api/Dockerfile": "FROM scratch", "api/app.py": "1"}, build={"context": "api"})

    assert "Add `api/Dockerfile` to .cygniignore" in failed.value.remedy
    assert 'starts "python app.py"' in failed.value.remedy


def test_an_unsafe_source_is_refused(builder: Builder) -> None:
    plan = builder.plan(APP)
    archive = builder.root / "bad.tgz"
    archive.write_bytes(b"no archive")

    with pytest.raises(SourceRefused):
        build(archive, plan, builder.images, builder.work, builder.root / "cache", builder.lines.append, builder.cancelled, 60)


def test_a_tool_that_is_missing_is_named(builder: Builder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BuildFailed, match="needs Go, but there is no `go`") as failed:
        builder.build({"go.mod": "module a", "main.go": "package main"})
    with pytest.raises(BuildFailed, match="needs Node, but there is no `node`"):
        builder.build({"package.json": '{"scripts":{"start":"node a"}}'})
    assert "https://go.dev" in failed.value.remedy


def test_a_site_whose_build_made_nothing_is_refused(builder: Builder) -> None:
    with pytest.raises(BuildFailed, match=r"made no public/index\.html"):
        builder.build(SITE, build={"command": "rm public/index.html"})


def test_files_of_an_image_are_readable_by_all(builder: Builder) -> None:
    digest = builder.build(APP)

    assert stat.S_IMODE((builder.image(digest) / "app/app.py").stat().st_mode) == 0o644
