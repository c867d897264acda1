"""Where the programs come from: a named folder, the cache, or a build by the Go that is on the path."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from cygni.local.controlplane.binaries import MODULE, PROGRAMS, BuildFailed, Unavailable, built, cache, ensure, find, version

GO = """#!/bin/sh
echo "$*" >> "$GO_CALLS"
if [ "$1" = mod ]; then [ -z "$GO_OFFLINE" ] || { echo "dial: no route to host" >&2; exit 1; }; exit 0; fi
[ -z "$GO_BROKEN" ] || { echo "undefined: everything" >&2; exit 1; }
while [ "$1" != -o ]; do shift; done
for name in server kube-apiserver kube-controller-manager kube-scheduler kubectl; do
    printf '#!/bin/sh\\n' > "$2$name"; chmod +x "$2$name"
done
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    folder = tmp_path / "module"
    folder.mkdir()
    (folder / "go.mod").write_text("module x\n\nrequire (\n\tk8s.io/kubernetes v1.34.4 // indirect\n)\n")
    (folder / "go.sum").write_text("")
    return folder


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A machine whose Go writes down what it is asked, and builds in no time."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "go").write_text(GO)
    (tmp_path / "bin" / "go").chmod(0o755)
    path = f"{tmp_path / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"
    return {"PATH": path, "XDG_CACHE_HOME": str(tmp_path / "cache"), "GO_CALLS": str(tmp_path / "calls")}


def calls(environ: dict[str, str]) -> list[str]:
    path = Path(environ["GO_CALLS"])
    return path.read_text().splitlines() if path.exists() else []


def test_a_build_has_every_program_and_happens_once(environ: dict[str, str], module: Path) -> None:
    said: list[str] = []

    first = ensure(environ, said.append, module)
    second = ensure(environ, said.append, module)

    assert first == second == built(environ, module) == find(environ, module)
    assert first.has(*PROGRAMS)
    assert len(said) == 1
    assert "v1.34.4" in said[0]
    assert len(calls(environ)) == 2
    assert "component-base/version.gitVersion=v1.34.4" in calls(environ)[1]


def test_another_version_is_another_build(environ: dict[str, str], module: Path) -> None:
    before = ensure(environ, print, module)
    (module / "go.sum").write_text("changed")

    assert ensure(environ, print, module) != before


def test_a_build_that_fails_leaves_nothing_and_ends_with_the_last_words_of_go(environ: dict[str, str], module: Path) -> None:
    with pytest.raises(BuildFailed, match="undefined: everything"):
        ensure(environ | {"GO_BROKEN": "1"}, print, module)

    assert built(environ, module) is None
    assert [each.name for each in cache(environ, module).parent.iterdir()] == [f"{cache(environ, module).name}.lock"]


def test_modules_that_cannot_be_fetched_are_a_reason_to_do_without(environ: dict[str, str], module: Path) -> None:
    with pytest.raises(Unavailable, match="could not be fetched: dial: no route to host"):
        ensure(environ | {"GO_OFFLINE": "1"}, print, module)


def test_what_is_not_built_yet_is_named_with_what_builds_it(environ: dict[str, str], module: Path) -> None:
    with pytest.raises(Unavailable, match="make test-cluster"):
        find(environ, module)
    assert calls(environ) == []


def test_a_named_folder_is_taken_as_it_is(environ: dict[str, str], tmp_path: Path) -> None:
    for name in ("etcd", "kube-apiserver"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(stat.S_IRWXU)

    named = environ | {"KUBEBUILDER_ASSETS": str(tmp_path)}

    assert find(named).folder == tmp_path
    with pytest.raises(Unavailable, match="where kube-controller-manager and kube-scheduler cannot be run"):
        ensure(named, print)  # for a whole cluster
    assert calls(environ) == []


def test_a_named_folder_without_the_programs_is_refused_by_name(environ: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=f"KUBEBUILDER_ASSETS is {tmp_path}, where etcd and kube-apiserver cannot be run"):
        find(environ | {"KUBEBUILDER_ASSETS": str(tmp_path)})


def test_an_installation_without_the_module_says_so(environ: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="is not there to build a control plane from"):
        ensure(environ, print, tmp_path / "nowhere")


def test_every_module_of_the_staging_area_is_replaced_by_the_version_that_belongs_to_it() -> None:
    lines = (MODULE / "go.mod").read_text().splitlines()
    replaced = [line.split() for line in lines if "=>" in line]
    _, major, minor = version()
    patch = version()[0].rpartition(".")[2]

    assert len(replaced) > 20
    assert {words[-1] for words in replaced} == {f"v0.{minor}.{patch}"}
    assert major == "1"
    assert all(words[0] == words[2] for words in replaced)


def test_the_module_names_no_address_of_a_proxy() -> None:
    assert "://" not in "".join((MODULE / name).read_text() for name in ("go.mod", "go.sum"))
