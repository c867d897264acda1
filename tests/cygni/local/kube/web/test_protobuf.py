from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygni.local.kube.errors import ApiError
from cygni.local.kube.web.protobuf import PREFIX, decode


def _text(number: int, value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return bytes([number << 3 | 2, len(raw)]) + raw


def _number(number: int, value: int) -> bytes:
    return bytes([number << 3, value])


def _body(api_version: str, kind: str, message: bytes) -> bytes:
    return PREFIX + _text(1, _text(1, api_version) + _text(2, kind)) + _text(2, message)


def test_maps_and_bytes_are_read() -> None:
    metadata = _text(1, _text(1, "s") + _text(3, ""))
    data = _text(2, _text(1, "k") + _text(2, b"\x00\xff"))
    assert decode(_body("v1", "Secret", metadata + data)) == {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"k": "AP8="},
    }  # fmt: skip


def test_a_meant_zero_stays_and_an_empty_one_goes() -> None:
    spec = _text(2, _number(1, 0) + _number(5, 0))  # replicas and minReadySeconds
    assert decode(_body("apps/v1", "Deployment", spec))["spec"] == {"replicas": 0}


def test_what_json_shows_inline_is_shown_inline() -> None:
    http = _text(2, _text(1, "/") + _text(2, _number(1, 0) + _number(2, 80)))  # httpGet: path, port (a number)
    probe = _text(11, _text(1, http) + _number(3, 0))  # readinessProbe: handler, timeoutSeconds
    container = _text(2, _text(1, "app") + probe)
    found = decode(_body("v1", "Pod", _text(2, container)))["spec"]["containers"][0]
    assert found == {"name": "app", "readinessProbe": {"httpGet": {"path": "/", "port": 80}}}


@pytest.mark.parametrize("raw", [b"", _text(2, b"x"), _body("v9", "Nothing", b"")[len(PREFIX) :]])
def test_what_cannot_be_read_is_refused(raw: bytes) -> None:
    with pytest.raises(ApiError) as refused:
        decode(PREFIX + raw)
    assert refused.value.code == 400


@given(st.binary(max_size=80))
def test_noise_is_read_or_refused_and_never_breaks(noise: bytes) -> None:
    with contextlib.suppress(ApiError):
        decode(PREFIX + noise)
    with contextlib.suppress(ApiError):
        decode(_body("v1", "Pod", noise))
