"""Heavy libraries: in a layer of their own, on the functions that import them, and loaded when one needs them."""

from __future__ import annotations

import pytest

from bench.imports import run
from functions.catalog import API_FUNCTION, FUNCTIONS, PAIR_FUNCTIONS, Function
from infra.layers import LAYERS, layers_of
from infra.packages import told
from infra.sizes import LIMIT, size_of, too_large
from tests.infra.reach import reaches

EVERY = (API_FUNCTION, *FUNCTIONS, *PAIR_FUNCTIONS)
HEAVY = [each for each in LAYERS if each.right]
HANDLERS = sorted({each.handler.rpartition(".")[0] for each in EVERY})
LIGHT = sorted({each.handler.rpartition(".")[0] for each in EVERY if not set(HEAVY) & set(layers_of(each))})


@pytest.mark.parametrize(
    ("function", "library"),
    [
        pytest.param(each, layer.name, id=f"{each.name}-{layer.name}")
        for layer in HEAVY
        for each in EVERY
        if layer in layers_of(each)
    ],
)
def test_a_function_with_a_heavy_layer_has_a_way_to_import_its_library(function: Function, library: str) -> None:
    assert reaches(function.handler.rpartition(".")[0], library)


def test_the_way_of_imports_is_found_inside_functions_and_not_where_it_is_for_type_checkers() -> None:
    assert reaches("functions.logs", "kubernetes")
    assert not reaches("functions.identity", "kubernetes")
    assert not reaches("chalicelib.upgrades.migrations", "botocore")


def test_functions_without_the_layer_start_where_the_library_is_absent() -> None:
    blocked = "".join(f"sys.modules[{layer.name!r}] = None; " for layer in HEAVY)

    assert run(f"import sys; {blocked}import {', '.join(LIGHT)}; print('started')").strip() == "started"


def test_no_handler_loads_a_heavy_library_before_it_needs_it() -> None:
    heavy = [*(each.name for each in HEAVY), "boto3", "stripe", "aws_xray_sdk"]

    loaded = run(f"import sys, {', '.join(HANDLERS)}; print(*[name for name in {heavy} if name in sys.modules])")

    assert loaded.split() == []


POWERTOOLS = ("batch", "data_classes", "idempotency", "parameters", "parser", "streaming", "typing", "validation")
LEFT_OUT = (
    "cffi",
    "pycparser",
    "yaml._yaml",
    "pydantic.v1",
    "pydantic.mypy",
    *("dateutil.zoneinfo", "dateutil.rrule", "dateutil.easter"),
    *("urllib3.contrib.emscripten", "urllib3.contrib.pyopenssl", "urllib3.contrib.socks"),
    "aws_lambda_powertools.event_handler",
    *(f"aws_lambda_powertools.utilities.{each}" for each in POWERTOOLS),
)
USED = f"""
import sys
for each in {LEFT_OUT}:
    sys.modules[each] = None
import {", ".join(HANDLERS)}
import jwt, yaml
from cryptography.hazmat.primitives.asymmetric import ec, rsa
for key, kind in ((ec.generate_private_key(ec.SECP256R1()), "ES256"), (rsa.generate_private_key(65537, 2048), "RS256")):
    assert jwt.decode(jwt.encode({{"a": 1}}, key, algorithm=kind), key.public_key(), algorithms=[kind]) == {{"a": 1}}
from botocore.session import get_session
from chalicelib.platform.logs import log
import urllib3, kubernetes.client.api_client
urllib3.PoolManager()
for each in ("dynamodb", "s3", "secretsmanager", "stepfunctions"):
    get_session().create_client(each, region_name="us-east-1")
log().debug("not told")
print(yaml.safe_load("a: 1"))
"""


def test_of_what_a_distribution_says_of_itself_the_readme_is_left_out() -> None:
    said = b"Metadata-Version: 2.4\nName: x\nVersion: 1\n\n# x\n\nLong."

    assert told("x-1.dist-info/METADATA", said) == b"Metadata-Version: 2.4\nName: x\nVersion: 1\n"
    assert told("x/a.py", said) == said


def test_what_layers_leave_out_nobody_misses() -> None:
    assert run(USED).strip() == "{'a': 1}"


def test_sizes_are_counted_without_botocore_and_the_limit_is_held() -> None:
    entries = [("app.py", 10), ("python/botocore/data/x.json", 5_000), ("python/botocore-1.43.106.dist-info/METADATA", 7)]

    assert size_of(entries) == 10
    assert too_large({"arm64": LIMIT}) == []
    assert too_large({"arm64": LIMIT, "x86_64": LIMIT + 1}) == [
        "the API's code and layer for x86_64 are 25.0 MB unpacked beside botocore, more than 25 MB"
    ]
