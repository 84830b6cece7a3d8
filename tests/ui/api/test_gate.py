"""Who may do what: every route with and without keys, and nothing of a key anywhere else."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from byline import Desk
from byline.errors import BylineError, InputError, NotFound
from byline.index.archive.keys import SCOPES, Keys
from byline.index.embed import MiniLM
from byline.tests.conftest import Run, failed
from byline.ui.api import _require_key, api, service
from byline.ui.api.gate import EVENT, OPEN, is_loopback, rule_of, scope_of
from byline.ui.page import _READ, event_scope, page, site
from fastapi.testclient import TestClient
from starlette.routing import Mount

HERE = "http://127.0.0.1"
OWN = {"Origin": HERE}


def _client(app: Any, address: str = "127.0.0.1") -> TestClient:
    return TestClient(
        app,
        base_url=HERE,
        client=(address, 50_000),
        follow_redirects=False,
        raise_server_exceptions=False,
    )


def built(make: Callable[..., Any], *given: Any) -> Any:
    """What Gradio is part of, made within a loop that is closed: else it opens one of its own."""

    async def made() -> Any:
        return make(*given)

    return asyncio.run(made())


@pytest.fixture
def keys(own_desk: Desk) -> Keys:
    return own_desk.archive.keys


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory, minilm: MiniLM) -> Iterator[Desk]:
    with Desk(tmp_path_factory.mktemp("empty"), embedder=minilm) as desk:
        yield desk


@pytest.fixture(scope="module")
def keyless(empty: Desk) -> Any:
    return built(service, empty)


@pytest.fixture
def guarded(own_desk: Desk) -> TestClient:
    return _client(built(service, own_desk))


def _routes(routes: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """Every method and path, with something in the place of each parameter."""
    for route in routes:
        if isinstance(route, Mount):
            yield from _routes(getattr(route.app, "routes", ()), before + route.path)
        elif hasattr(route, "effective_route_contexts"):  # FastAPI's included router
            yield from _routes(route.effective_route_contexts(), before)
        elif "{rest:path}" not in route.path:
            for method in sorted(route.methods or ()):
                yield method, before + re.sub(r"{[^}]*}", "x", route.path)


@pytest.fixture(scope="module")
def routes(empty: Desk) -> list[tuple[str, str]]:
    app = api(empty)
    built(site, empty, app)
    return sorted(set(_routes(app.routes)))


def test_routes_are_found(routes: list[tuple[str, str]]) -> None:
    assert {("POST", "/v1/ask"), ("GET", "/healthz"), ("GET", "/reports")} <= set(routes)
    assert ("POST", "/gradio_api/queue/join") in routes


def test_every_route_of_the_description_has_a_scope_of_its_own(empty: Desk) -> None:
    for path, methods in api(empty).openapi()["paths"].items():
        for method in methods:
            _, rule, _ = rule_of(method.upper(), re.sub(r"{[^}]*}", "x", path))
            assert rule != "(unknown)", f"{method.upper()} {path} is not in the table of gate.py"


def _forged(keys: Keys, kind: str) -> dict[str, str]:
    """Headers of a key that opens nothing."""
    key, shown = keys.add("x", "admin", expires=datetime.now(UTC) + timedelta(days=1))
    if kind == "none":
        return {}
    if kind == "wrong":
        shown = shown[:-1] + ("A" if shown[-1] != "A" else "B")
    if kind == "revoked":
        keys.revoke(key.id)
        keys.add("another", "read")
    if kind == "expired":
        with keys._engine.begin() as connection:
            connection.exec_driver_sql("UPDATE api_keys SET expires_at = 1")
    return {"Authorization": f"Bearer {shown}"}


@pytest.mark.parametrize("kind", ["none", "wrong", "expired", "revoked"])
def test_no_route_is_reached_without_a_live_key(
    guarded: TestClient,
    keys: Keys,
    routes: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    monkeypatch.setattr("byline.ui.api.gate._WRONG_KEYS", "off")
    headers = _forged(keys, kind)
    for method, path in routes:
        if scope_of(method, path) == OPEN:
            continue
        got = guarded.request(method, path, headers=headers | OWN)
        assert (got.status_code, method, path) == (401, method, path)
        assert got.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_reaches_what_its_scope_takes_and_nothing_else(
    guarded: TestClient, keys: Keys, routes: list[tuple[str, str]], scope: str
) -> None:
    _, shown = keys.add("x", scope, rate="off")
    reached = set()
    for method, path in routes:
        needed = scope_of(method, path)
        if needed in (OPEN, EVENT):
            continue
        may = SCOPES.index(scope) >= SCOPES.index(needed)
        if may and "/gradio_api/" in path:
            continue  # some would stay open
        got = guarded.request(method, path, headers={"X-API-Key": shown})
        if not may:
            told = f"This key may {scope}; this takes {needed}."
            assert (got.status_code, path) == (403, path)
            assert method == "HEAD" or got.json()["detail"] == told
        else:
            reached.add(got.status_code)
            assert got.status_code != 401, path
            assert "This key may" not in got.text, path
    assert 200 in reached


@pytest.mark.parametrize("host", ["x/healthz?", "127.0.0.1/healthz#", "x/signin?"])
def test_no_host_header_changes_what_a_path_is(guarded: TestClient, keys: Keys, host: str) -> None:
    keys.add("x", "read")
    for path in ("/v1/ask", "/healthz%3f/../v1/ask", "//v1/ask", "/v1%2Fask", "/v1/ask/"):
        got = guarded.post(path, json={"question": "Who?"}, headers={"Host": host})
        assert got.status_code == 401, path


def test_a_new_route_takes_admin_until_it_has_a_scope() -> None:
    assert scope_of("GET", "/v1/brand-new") == "admin"
    assert scope_of("POST", "/v1/models") == "admin"
    assert scope_of("GET", "/v1/askew") == "admin"


def test_events_of_the_page_are_held_to_a_scope(
    own_desk: Desk, guarded: TestClient, keys: Keys
) -> None:
    _, shown = keys.add("reader", "read")
    known = {f"byline.ui.page.{name}" for name in (*_READ, "evals")}
    numbers: dict[str, int] = {}
    for number, event in built(page, own_desk).fns.items():
        assert event.fn is None or event.fn.__module__ in known, "give its module a scope"
        name = "-" if event.fn is None else event.fn.__name__
        numbers.setdefault(f"{event_scope(event.fn)} {name}", number)
    assert {"read ask", "read choose", "write remove", "write add_files", "write run"} <= {*numbers}
    for name, number in numbers.items():
        body = {"fn_index": number, "session_hash": "x", "data": []}
        got = guarded.post("/gradio_api/queue/join", json=body, headers={"X-API-Key": shown})
        assert (got.status_code == 403) == name.startswith("write"), (name, got.text)
    for bad in (b"", b"[]", b'{"fn_index": "2"}', b'{"fn_index": 1e9}', b'{"fn_index": 99999}'):
        got = guarded.post("/gradio_api/queue/join", content=bad, headers={"X-API-Key": shown})
        assert got.status_code == 403


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {"Host": "[::1]:8000"}, 200),
        ("127.0.0.1", {"Host": "localhost:8000"}, 200),
        ("127.0.0.1", {"Authorization": "Bearer none"}, 200),  # clients that must have a key
        ("192.0.2.7", {}, 403),
        ("127.0.0.1", {"Host": "rebound.example"}, 403),
        ("127.0.0.1", {"Host": "127.0.0.1.evil.example"}, 403),
        ("127.0.0.1", {"Host": "["}, 403),
        ("127.0.0.1", {"Origin": "http://["}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("127.0.0.1", {"Forwarded": "for=192.0.2.7"}, 403),
        ("127.0.0.1", {"Origin": "https://evil.example"}, 403),
        ("127.0.0.1", {"Origin": "null"}, 403),
        ("127.0.0.1", {"Origin": HERE, "Sec-Fetch-Site": "cross-site"}, 403),
        ("127.0.0.1", {"Origin": HERE}, 200),
    ],
)
def test_without_a_key_only_this_machine_is_served(
    keyless: Any, address: str, headers: dict[str, str], status: int
) -> None:
    client = _client(keyless, address)
    got = client.post("/v1/search", json={"query": "ferry"}, headers=headers)
    assert got.status_code == status, got.text
    if status == 403:
        assert "no key exists" in got.text or "another site" in got.text


@pytest.mark.parametrize("given", ["mine-1", "a" * 128, "a" * 129, "a\tb", "\u00e9"])
def test_a_refusal_names_its_request_and_has_the_shape_that_was_asked(
    keyless: Any, given: str
) -> None:
    headers = {"X-Request-ID": given.encode(), "Host": "elsewhere.example"}
    got = _client(keyless).post("/v1/chat/completions", headers=headers, json={})
    told, body = got.headers["x-request-id"], got.json()
    assert (told == given) is (given in ("mine-1", "a" * 128))
    assert (got.status_code, body["request_id"]) == (403, told)
    assert body["error"]["message"] == body["detail"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_monitors_that_ask_by_head_are_answered(keyless: Any, path: str) -> None:
    got = _client(keyless).head(path)
    assert (got.status_code, got.content) == (200, b"")


def test_keys_count_at_once_in_a_running_service(guarded: TestClient, keys: Keys) -> None:
    def status() -> int:
        return guarded.post("/v1/search", json={"query": "ferry"}).status_code

    assert status() == 200
    key, _ = keys.add("first", "read")
    assert status() == 401
    keys.revoke(key.id)
    assert status() == 200


def test_others_are_refused_when_the_last_key_is_revoked(own_desk: Desk, keys: Keys) -> None:
    key, shown = keys.add("only", "read")
    client, headers = _client(built(service, own_desk), "192.0.2.7"), {"X-API-Key": shown}
    assert client.get("/openapi.json", headers=headers).status_code == 200
    keys.revoke(key.id)
    got = client.get("/openapi.json", headers=headers)
    assert got.status_code == 403
    assert "only this machine" in got.json()["detail"]


def test_listening_for_others_needs_a_live_key(own_desk: Desk, keys: Keys) -> None:
    _require_key(own_desk, "127.0.0.1")
    key, _ = keys.add("x", "read")
    _require_key(own_desk, "0.0.0.0")
    keys.revoke(key.id)
    with pytest.raises(BylineError, match="byline keys add NAME"):
        _require_key(own_desk, "0.0.0.0")


def _signed_in(client: TestClient, shown: str, **more: str) -> Any:
    return client.post("/signin", data={"key": shown, **more}, headers=OWN)


def test_mcp_is_reached_by_any_name_with_a_key(guarded: TestClient, keys: Keys) -> None:
    client = {"capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    params = {"protocolVersion": "2025-06-18", **client}
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    accept = {"Accept": "application/json, text/event-stream", "Host": "news.example"}
    bearer = {"Authorization": f"Bearer {keys.add('desk', 'read')[1]}"}
    with guarded:
        assert guarded.post("/mcp", json=hello, headers=accept | bearer).status_code == 200
        assert guarded.post("/mcp", json=hello, headers=accept).status_code == 401


class TestSignIn:
    def test_a_key_becomes_a_session_that_ends_with_it(
        self, guarded: TestClient, keys: Keys
    ) -> None:
        key, shown = keys.add("<b>Newsroom</b>", "read")
        page = {"Accept": "text/html"}
        sent = guarded.get("/collection?a=1", headers=page)
        assert sent.headers["location"] == "/signin?next=%2Fcollection%3Fa%3D1"
        got = _signed_in(guarded, shown, next="/collection?a=1")
        assert (got.status_code, got.headers["location"]) == (303, "/collection?a=1")
        cookie = got.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert shown.split("_", 2)[2] not in cookie  # the secret may have a _ itself
        assert guarded.get("/collection", headers=page).status_code == 200
        assert "&lt;b&gt;Newsroom" in guarded.get("/signin").text
        assert guarded.get("/evals", headers=page).status_code == 403
        keys.revoke(key.id)
        keys.add("other", "read")
        assert guarded.get("/collection", headers=page).status_code == 303

    def test_signing_out_ends_it(self, guarded: TestClient, keys: Keys) -> None:
        _signed_in(guarded, keys.add("x", "read")[1])
        assert guarded.get("/openapi.json").status_code == 200
        guarded.post("/signout", headers=OWN)
        assert guarded.get("/openapi.json").status_code == 401

    def test_a_wrong_key_is_told_so(self, guarded: TestClient, keys: Keys) -> None:
        keys.add("x", "read")
        got = _signed_in(guarded, 'byl_"><script>x', next='/"><script>')
        assert got.status_code == 401
        assert 'role="alert"' in got.text
        assert "<script" not in got.text
        assert "set-cookie" not in got.headers

    @pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/\\evil", "/\n"])
    def test_nobody_is_sent_elsewhere(self, guarded: TestClient, keys: Keys, wanted: str) -> None:
        got = _signed_in(guarded, keys.add("x", "read")[1], next=wanted)
        assert got.headers["location"] == "/"

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Origin": "https://evil.example"}, 403),
            ({"Sec-Fetch-Site": "same-site", "Origin": HERE}, 403),
            ({}, 403),
            (OWN, 200),
            ({"Sec-Fetch-Site": "same-origin"}, 200),
        ],
    )
    def test_another_site_cannot_use_the_session(
        self, guarded: TestClient, keys: Keys, headers: dict[str, str], status: int
    ) -> None:
        _signed_in(guarded, keys.add("x", "read")[1])
        got = guarded.post("/v1/search", json={"query": "ferry"}, headers=headers)
        assert got.status_code == status

    def test_a_session_ends_in_time_and_cannot_be_forged(
        self, guarded: TestClient, keys: Keys, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _signed_in(guarded, keys.add("x", "read")[1])
        name, value = next(iter(guarded.cookies.items()))
        guarded.cookies.clear()
        now, (signed, _, signature) = time.time(), value.rpartition(".")
        forged = f"{signed}.{signature[::-1]}"
        for jump, cookie, status in (
            *((0, value, 200), (0, forged, 401), (0, value.replace(".", "0.", 1), 401)),
            *((3600, value, 200), (13 * 3600, value, 401), (-3600, value, 401)),
        ):
            monkeypatch.setattr("itsdangerous.timed.time.time", lambda now=now + jump: now)
            got = guarded.get("/openapi.json", headers={"Cookie": f"{name}={cookie}"})
            assert got.status_code == status, jump

    def test_guessing_is_slowed(self, guarded: TestClient, keys: Keys) -> None:
        keys.add("x", "read")
        statuses = [_signed_in(guarded, "byl_x_y").status_code for _ in range(31)]
        assert statuses == [401] * 30 + [429]
        got = guarded.get("/openapi.json", headers={"X-API-Key": "byl_x_y"})
        assert got.status_code == 429
        assert int(got.headers["retry-after"]) > 0


def test_a_key_is_nowhere_but_with_its_holder(
    own_desk: Desk, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    _, shown = keys.add("x", "read")
    secret = shown.rpartition("_")[2] or shown[15:]
    caplog.set_level("DEBUG")
    said, client = [], _client(built(service, own_desk))
    for headers in ({"X-API-Key": shown}, {"Authorization": f"Bearer {shown}x"}):
        for method, path in (("POST", "/v1/ask"), ("GET", f"/v1/{shown}"), ("GET", "/config")):
            said.append(client.request(method, path, headers=headers))
    said += [_signed_in(client, f"{shown} x"), _signed_in(client, shown)]
    said += [client.get(path) for path in ("/", "/signin", "/config")]
    echoed = [got for got in said if shown in str(got.request.url)]
    for got in said:
        if got not in echoed:  # a 404 names the path that it was asked for
            assert secret not in got.text + str(got.headers)
    logged = [f"{one.__dict__}" for one in caplog.records if not one.name.startswith("httpx")]
    assert any("POST" in line for line in logged)
    assert secret not in "".join(logged)
    own_desk.archive.engine.dispose()
    for file in Path(own_desk.folder).rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes(), file


class TestCommand:
    def test_keys_are_added_listed_and_revoked(self, run: Run) -> None:
        made = run("keys", "add", "News room", "--scope", "write", "--expires", "90d")
        assert re.fullmatch(r"byl_[0-9a-f]{10}_[\w-]{43}\n", made.out)
        assert "may write until" in made.err
        listed = json.loads(run("keys", "list", "--json").out)["keys"]
        assert [(one["name"], one["scope"]) for one in listed] == [("News room", "write")]
        assert made.out.strip()[15:] not in json.dumps(listed)
        assert "write  News room, until" in run("keys", "list").out
        done = run("keys", "revoke", listed[0]["id"])
        assert "only this machine is served" in done.err
        assert ", revoked" in run("keys", "list").out

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("add", " "), "name"),
            (("add", "x", "--scope", "root"), "no scope 'root'"),
            (("add", "x", "--expires", "soon"), "'soon' is no time"),
            (("add", "x", "--expires", "2020-01-01"), "would open nothing"),
            (("add", "x", "--rate", "many"), "'many' is no rate"),
        ],
    )
    def test_what_is_wrong_is_one_line(
        self, run: Run, arguments: tuple[str, ...], said: str
    ) -> None:
        failed(run("keys", *arguments), 2, said)

    def test_unknown_keys_are_not_revoked(self, keys: Keys) -> None:
        with pytest.raises(NotFound, match="There is no key 'x'"):
            keys.revoke("x")
        with pytest.raises(InputError, match="no scope"):
            keys.add("x", "all")


@pytest.mark.parametrize(
    ("host", "told"),
    [("127.0.0.5", True), ("::1", True), ("::ffff:127.0.0.1", True), ("10.0.0.1", False)]
    + [("localhost", False), ("", False), ("::", False), ("0.0.0.0", False)],
)
def test_loopback_is_told(host: str, told: bool) -> None:
    assert is_loopback(host) is told
