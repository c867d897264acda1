from __future__ import annotations

import pytest

from cygni.local.kube.jsonpath import find

_OBJ = {
    "spec": {"hosts": ["a", "b"], "map": {"dotted.key": 1}},
    "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Synced", "status": "False"}]},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.hosts", [["a", "b"]]),
        (".spec.hosts[0]", ["a"]),
        (".spec.hosts[-1]", ["b"]),
        (".spec.hosts[*]", ["a", "b"]),
        (".spec.hosts[7]", []),
        (".spec.map['dotted.key']", [1]),
        (r".spec.map.dotted\.key", [1]),
        ('.status.conditions[?(@.type=="Synced")].status', ["False"]),
        (".status.nothing.here", []),
        ("not a path", []),
    ],
)
def test_a_path_finds_values(path: str, found: list[object]) -> None:
    assert find(_OBJ, path) == found
