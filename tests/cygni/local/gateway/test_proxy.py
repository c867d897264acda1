from __future__ import annotations

import asyncio
import json

import pytest

from cygni.local.gateway.exchange import Limits
from tests.cygni.local.gateway.builders import pod, route, rule
from tests.cygni.local.gateway.world import OK, App, Reply, Request, Wire, hello, in_loop, until, world


def says(raw: bytes) -> App:
    """An app that always sends these bytes."""

    async def answer(wire: Wire, request: Request) -> None:
        await wire.send(raw)

    return App(answer)


def detail(reply: Reply) -> str:
    return str(json.loads(reply.body)["detail"])


# who answers


@in_loop
async def test_a_request_reaches_the_pod_and_its_answer_the_client() -> None:
    app = says(b"HTTP/1.1 201 Made\r\nContent-Length: 2\r\nSet-Cookie: a\r\n\r\nhi")
    async with world(app) as here:
        reply = await here.ask("POST", "/a%2Fb?c=d", b"body", X_One="1")
    request = app.requests[0]
    assert (request.line, request.body, request.headers["x-one"]) == ("POST /a%2Fb?c=d HTTP/1.1", b"body", "1")
    assert (reply.status, reply.body, reply.headers["set-cookie"]) == (201, b"hi", "a")


@in_loop
async def test_the_answer_names_its_revision_and_request() -> None:
    app = App()
    async with world(app) as here:
        reply = await here.ask()
    assert reply.headers["x-cygni-revision"] == "r1"
    assert reply.headers["x-request-id"] == app.requests[0].headers["x-request-id"]


@in_loop
async def test_requests_are_shared_out_by_weight() -> None:
    stable, canary = App(), App()
    async with world(stable, canary, weights={"web-r1": 95, "web-r2": 5}) as here:
        client = await here.client()
        for _ in range(200):
            await client.ask()
        assert 8 <= len(canary.requests) <= 12
        assert here.counts("web-r2") == {"2xx": len(canary.requests)}
        assert here.counts("web-r1") == {"2xx": len(stable.requests)}


@in_loop
async def test_requests_are_counted_by_the_pod_that_answered() -> None:
    async with world(says(b"HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n")) as here:
        await here.ask()
        await here.ask()
        page = here.gateway.metrics.page().decode()
    counted = [
        line
        for line in page.splitlines()
        if line.startswith("cygni_gateway_pod_") and "_total{" in line and 'backend="web-r1"' in line
    ]
    assert [line.rpartition(" ")[2] for line in counted] == ["2.0", "2.0"]


@in_loop
async def test_a_header_pins_a_request_to_a_revision() -> None:
    stable, canary = App(), App()
    async with world(stable, canary) as here:
        pinned = rule({"web-r2": 1}, matches=[{"headers": [{"name": "X-Lane", "value": "next"}]}])
        here.put("HTTPRoute", route(pinned, rule({"web-r1": 1})))
        replies = [await here.ask(X_Lane="next"), await here.ask(X_Lane="old"), await here.ask()]
    assert [each.headers["x-cygni-revision"] for each in replies] == ["r2", "r1", "r1"]


@in_loop
async def test_a_host_with_port_and_capitals_finds_its_route() -> None:
    async with world(App()) as here:
        assert (await here.ask(Host="SHOP.localhost:8080")).status == 200


@in_loop
async def test_an_address_as_target_counts_more_than_the_host() -> None:
    app = App()
    async with world(app) as here:
        reply = await here.ask(target="http://shop.localhost:99/a?b", Host="other")
    assert reply.status == 200
    assert (app.requests[0].line, app.requests[0].headers["host"]) == ("GET /a?b HTTP/1.1", "shop.localhost:99")


# who does not


@in_loop
async def test_an_unknown_host_is_a_404_that_says_so() -> None:
    async with world(App()) as here:
        reply = await here.ask(Host="nobody.localhost")
        assert here.counts("") == {"4xx": 1}
    assert (reply.status, detail(reply)) == (404, "No application is served at nobody.localhost.")


@in_loop
async def test_an_unknown_path_is_a_404_that_says_so() -> None:
    async with world(App()) as here:
        here.put("HTTPRoute", route(rule(matches=[{"path": {"type": "PathPrefix", "value": "/api"}}])))
        reply = await here.ask(target="/x?y")
    assert (reply.status, detail(reply)) == (404, "No route of shop.localhost takes GET /x.")


@in_loop
async def test_a_browser_gets_a_page() -> None:
    async with world(App()) as here:
        reply = await here.ask(Host="nobody", Accept="text/html")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"


@in_loop
async def test_a_head_request_gets_no_body_from_the_gateway_either() -> None:
    async with world(App()) as here:
        client = await here.client()
        client.send("HEAD", Host="nobody")
        assert int((await client.head()).headers["content-length"]) > 0
        assert (await client.ask()).status == 200


@in_loop
async def test_a_backend_without_ready_pods_is_a_503_counted_for_it() -> None:
    async with world(App()) as here:
        here.put("Pod", pod("pod-web-r1", ready=False))
        reply = await here.ask()
        assert here.counts() == {"5xx": 1}
    assert (reply.status, detail(reply)) == (503, "Service web-r1 in shop has no ready pods.")
    assert reply.headers["x-cygni-revision"] == "r1"


@in_loop
async def test_a_rule_whose_weights_are_all_zero_is_a_503_counted_for_nobody() -> None:
    async with world(App()) as here:
        here.put("HTTPRoute", route(rule({"web-r1": 0})))
        assert (await here.ask()).status == 503
        assert here.counts("") == {"5xx": 1}
        assert here.counts("web-r1") == {}


@in_loop
async def test_a_missing_service_is_a_500_counted_for_it() -> None:
    async with world(App()) as here:
        here.put("HTTPRoute", route(rule({"web-r7": 1})))
        reply = await here.ask()
        assert here.counts("web-r7") == {"5xx": 1}
    assert (reply.status, detail(reply)) == (500, "The route's backend cannot be served: Service web-r7 does not exist.")


@in_loop
async def test_a_rule_that_cannot_be_served_as_written_is_a_500_that_says_why() -> None:
    async with world(App()) as here:
        here.put("HTTPRoute", route(rule(filters=[{"type": "URLRewrite", "urlRewrite": {}}])))
        reply = await here.ask()
    assert reply.status == 500
    assert "filter URLRewrite is not supported" in detail(reply)


@in_loop
async def test_nobody_listening_is_a_502_and_no_other_pod_is_tried() -> None:
    app = App()
    async with world(app) as here:
        here.put("Pod", pod("pod-web-r1", port=1))
        reply = await here.ask()
        assert here.counts() == {"5xx": 1}
    assert (reply.status, detail(reply)) == (502, "The pod refused the connection. Service web-r1 in shop.")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"nonsense\r\n\r\n", "did not answer in HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nBad Header: x\r\n\r\n", "sent a malformed header line"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000, "sent a head of more than 65536 bytes"),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", "switched protocols without being asked"),
    ],
)
@in_loop
async def test_an_answer_that_is_no_http_is_a_502_that_says_why(raw: bytes, why: str) -> None:
    async with world(says(raw)) as here:
        reply = await here.ask()
    assert (reply.status, why in detail(reply)) == (502, True)


@in_loop
async def test_a_pod_that_hangs_up_is_a_502_and_asked_once() -> None:
    async def hang_up(wire: Wire, request: Request) -> None:
        wire.close()

    app = App(hang_up)
    async with world(app) as here:
        reply = await here.ask()
        assert here.counts() == {"5xx": 1}
    assert (reply.status, len(app.requests)) == (502, 1)
    assert "closed the connection" in detail(reply)


@in_loop
async def test_a_pod_that_does_not_answer_in_time_is_a_504() -> None:
    async def silence(wire: Wire, request: Request) -> None:
        await wire.reader.read()

    async with world(App(silence), limits=Limits(response=0.1, drain=0.2)) as here:
        reply = await here.ask()
        assert here.counts() == {"5xx": 1}
    assert (reply.status, "within 0.1 s" in detail(reply)) == (504, True)


@in_loop
async def test_a_routes_own_timeout_is_kept() -> None:
    async def silence(wire: Wire, request: Request) -> None:
        await wire.reader.read()

    async with world(App(silence)) as here:
        here.put("HTTPRoute", route(rule(timeouts={"request": "50ms"})))
        assert (await here.ask()).status == 504


@in_loop
async def test_a_5xx_of_the_app_is_passed_on_and_not_tried_again() -> None:
    app = says(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy")
    async with world(app) as here:
        reply = await here.ask()
        assert here.counts() == {"5xx": 1}
    assert (reply.status, reply.body, len(app.requests)) == (503, b"busy", 1)


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: shop.localhost\r\nX: " + b"y" * 40_000 + b"\r\n\r\n",
        b"GET ftp://shop.localhost/ HTTP/1.1\r\nHost: shop.localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
    ],
)
@in_loop
async def test_a_request_that_is_not_clear_is_refused_and_reaches_nobody(raw: bytes) -> None:
    app = App()
    async with world(app) as here:
        client = await here.client()
        client.writer.write(raw)
        assert (await client.receive()).status == 400
    assert app.requests == []


@in_loop
async def test_connect_is_refused() -> None:
    async with world(App()) as here:
        assert (await here.ask("CONNECT", "shop.localhost:80")).status == 405


# filters


@in_loop
async def test_header_modifiers_change_request_and_answer() -> None:
    app = App()
    change = [
        {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "X-Env", "value": "prod"}]}},
        {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"add": [{"name": "X-Frame-Options", "value": "DENY"}]}},
    ]
    async with world(app) as here:
        here.put("HTTPRoute", route(rule(filters=change)))
        reply = await here.ask()
    assert app.requests[0].headers["x-env"] == "prod"
    assert reply.headers["x-frame-options"] == "DENY"


@in_loop
async def test_a_redirect_is_answered_without_a_backend() -> None:
    redirect = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}
    async with world(App()) as here:
        here.put("HTTPRoute", route({"filters": [redirect]}))
        reply = await here.ask(target="/a?b")
        assert here.counts("") == {"3xx": 1}
    assert (reply.status, reply.headers["location"]) == (301, "https://shop.localhost/a?b")


# connections


@in_loop
async def test_connections_are_kept_on_both_sides() -> None:
    app = App()
    async with world(app) as here:
        client = await here.client()
        for _ in range(3):
            assert (await client.ask()).status == 200
    assert [each.connection for each in app.requests] == [0, 0, 0]


@in_loop
async def test_pipelined_requests_are_answered_in_order() -> None:
    async def echo(wire: Wire, request: Request) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + request.line[4:6].encode())

    async with world(App(echo)) as here:
        client = await here.client()
        client.send(target="/1")
        client.send(target="/2")
        assert [(await client.receive()).body for _ in range(2)] == [b"/1", b"/2"]


@in_loop
async def test_a_request_that_must_not_be_sent_twice_travels_on_its_own_connection() -> None:
    app = App()
    async with world(app) as here:
        client = await here.client()
        await client.ask()
        await client.ask("POST", body=b"x")
        await client.ask()
    assert [each.connection for each in app.requests] == [0, 1, 0]
    assert [each.headers.get("connection") for each in app.requests] == [None, "close", None]


@in_loop
async def test_a_kept_connection_that_the_pod_closed_is_not_used_again() -> None:
    app = App()
    async with world(app) as here:
        client = await here.client()
        await client.ask()
        app.wires[0].close()
        await until(app.wires[0].writer.transport.is_closing)
        assert (await client.ask()).status == 200
        assert here.counts() == {"2xx": 2}
    assert [each.connection for each in app.requests] == [0, 1]


@in_loop
async def test_a_connection_closed_as_the_request_is_written_is_replaced() -> None:
    async def once(wire: Wire, request: Request) -> None:
        if len(app.requests) == 2:
            wire.close()
            raise ConnectionResetError
        await wire.send(OK)

    app = App(once)
    async with world(app) as here:
        client = await here.client()
        await client.ask()
        assert (await client.ask()).status == 200
        assert here.counts() == {"2xx": 2}
        assert here.counts(metric="cygni_gateway_stale_connections_total") == {"": 1}


@in_loop
async def test_a_pod_that_takes_a_request_and_then_hangs_up_is_an_error_even_on_a_kept_connection() -> None:
    async def later(wire: Wire, request: Request) -> None:
        if len(app.requests) == 2:
            await asyncio.sleep(0.15)
            wire.close()
            raise ConnectionResetError
        await wire.send(OK)

    app = App(later)
    async with world(app) as here:
        client = await here.client()
        await client.ask()
        assert (await client.ask()).status == 502
    assert len(app.requests) == 2


@in_loop
async def test_a_kept_connection_is_left_alone_after_a_second() -> None:
    app = App()
    async with world(app, limits=Limits(keepalive=0.05, drain=0.2)) as here:
        client = await here.client()
        await client.ask()
        await asyncio.sleep(0.06)
        await client.ask()
    assert [each.connection for each in app.requests] == [0, 1]


@in_loop
async def test_a_connection_on_which_the_pod_says_more_than_its_answer_is_not_used_again() -> None:
    app = says(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    async with world(app) as here:
        client = await here.client()
        assert [(await client.ask()).body for _ in range(2)] == [b"hello", b"hello"]
    assert [each.connection for each in app.requests] == [0, 1]


@in_loop
async def test_idle_clients_are_let_go() -> None:
    async with world(App(), limits=Limits(client_keepalive=0.1, drain=0.2)) as here:
        silent, slow = await here.client(), await here.client()
        slow.writer.write(b"GET / HTTP/1.1\r\nHost:")
        assert await silent.reader.read() == b""
        assert await slow.reader.read() == b""


@in_loop
async def test_the_less_busy_of_two_pods_is_asked() -> None:
    gate = asyncio.Event()

    async def wait(wire: Wire, request: Request) -> None:
        await gate.wait()
        await hello(wire, request)

    busy, free = App(wait), App()
    async with world(busy) as here, free:
        first = await here.client()
        first.send()
        await until(lambda: busy.requests)
        here.put("Pod", pod("web-2", port=free.port))
        for _ in range(10):
            await here.ask()
        gate.set()
        assert (await first.receive()).status == 200
    assert (len(busy.requests), len(free.requests)) == (1, 10)


# pods come and go


@in_loop
async def test_a_pod_that_goes_gets_no_new_request_and_ends_those_it_has() -> None:
    gate = asyncio.Event()

    async def wait(wire: Wire, request: Request) -> None:
        await gate.wait()
        await hello(wire, request)

    old, new = App(wait), App()
    async with world(old) as here, new:
        first = await here.client()
        first.send()
        await until(lambda: old.requests)
        here.put("Pod", pod("pod-web-r1", port=old.port, deleting=True), pod("web-2", port=new.port))
        assert [(await here.ask()).status for _ in range(5)] == [200] * 5
        gate.set()
        assert (await first.receive()).body == b"hello"
        assert here.counts() == {"2xx": 6}
    assert (len(old.requests), len(new.requests)) == (1, 5)


@in_loop
async def test_a_change_is_routed_by_at_once() -> None:
    async with world(App()) as here:
        here.gateway.inventory.put("Pod", pod("pod-web-r1", ready=False))
        await asyncio.sleep(0.05)  # of this loop's time, which a busy machine does not shorten
        assert (await here.ask()).status == 503


@in_loop
async def test_a_storm_of_changes_is_one_new_table() -> None:
    async with world(App()) as here:
        before = here.counts(metric="cygni_gateway_config_generation")[""]
        for number in range(100):
            here.gateway.inventory.put("Pod", pod(f"extra-{number}", port=1000 + number))
        await asyncio.sleep(0.1)
        assert here.counts(metric="cygni_gateway_config_generation")[""] == before + 1


# counting


@in_loop
async def test_a_request_is_counted_after_the_last_byte_with_the_time_it_took() -> None:
    gate = asyncio.Event()

    async def wait(wire: Wire, request: Request) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh")
        await gate.wait()
        await wire.send(b"i")

    async with world(App(wait)) as here:
        client = await here.client()
        client.send()
        await client.head()
        assert here.counts() == {}
        assert here.counts(metric="cygni_gateway_active_requests") == {"": 1}
        await asyncio.sleep(0.06)
        gate.set()
        await until(here.counts)
        assert here.counts() == {"2xx": 1}
        assert here.counts(metric="cygni_gateway_request_duration_seconds_sum")[""] > 0.05
        assert here.counts(metric="cygni_gateway_active_requests") == {}


@in_loop
async def test_a_client_that_leaves_ends_the_request_at_the_pod_and_is_not_its_error() -> None:
    left = asyncio.Event()

    async def wait(wire: Wire, request: Request) -> None:
        assert await wire.reader.read() == b""
        left.set()

    app = App(wait)
    async with world(app) as here:
        client = await here.client()
        client.send()
        await until(lambda: app.requests)
        client.close()
        await left.wait()
        await until(here.counts)
        assert here.counts() == {"4xx": 1}
        assert here.counts(metric="cygni_gateway_client_disconnects_total") == {"": 1}
