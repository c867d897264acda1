from __future__ import annotations

import stat
from pathlib import Path

import yaml

from cygni.local.kube.kubeconfig import write_kubeconfig


def test_only_the_owner_reads_the_token(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "deep" / "kubeconfig", 1234, "secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_token_stands_where_libraries_and_where_kubectl_look(tmp_path: Path) -> None:
    content = yaml.safe_load(write_kubeconfig(tmp_path / "k", 1234, "a/b").read_text())
    assert content["users"][0]["user"]["token"] == "a/b"
    assert content["clusters"][0]["cluster"]["server"] == "http://cygni:a%2Fb@127.0.0.1:1234"
