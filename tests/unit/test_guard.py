"""The guard at the door: who is let through, with which headers, and that no garbage gets past it or breaks it."""

import re
from typing import Any

import pytest
from hypothesis import given, strategies as st

from voice_ui.settings import Proxies
from voice_ui.settings.proxies import proxies
from voice_ui.sharing.guard import BODY_BYTES, COOKIE, OWNER_COOKIE, VISITOR, Guard, Visitor, is_served
from voice_ui.sharing.room import ADDRESSES, TRIES, Room

LAN = "192.0.2.2"
GUEST = "192.0.2.7"
NAMES = frozenset({LAN, "laptop.local", "*.example.org"})

PAGE = b"<html><head lang=en><script>1</script><script type=module>2</script><p>&lt;script></p></html>"


class Inside:
    """The app behind the guard; remembers who came through."""

    def __init__(self) -> None:
        self.visitors: list[Visitor] = []
        self.scopes: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.visitors.append(scope[VISITOR])
        self.scopes.append(scope)
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", b"%d" % len(PAGE))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": PAGE[:20], "more_body": True})
        await send({"type": "http.response.body", "body": PAGE[20:]})


class Answer:
    """What came back: the status (101 for an open socket), headers and body."""

    def __init__(self, messages: list[Any]) -> None:
        first = messages[0]
        socket = {"websocket.accept": 101, "websocket.close": 403}
        self.status = socket.get(first["type"]) or int(first["status"])
        self.headers = {name.decode(): value.decode() for name, value in first.get("headers", [])}
        self.body = b"".join(message.get("body", b"") for message in messages[1:])


async def ask(guard: Guard, path: str = "/", peer: str = "127.0.0.1", scheme: str = "http", **more: str) -> Answer:
    """Send a request; further arguments are headers, and `method`."""
    path, _, query = path.partition("?")
    kind = "websocket" if scheme in {"ws", "wss"} else "http"
    method = more.pop("method", "GET")
    headers = {"host": "127.0.0.1:8080", **{name.replace("_", "-"): value for name, value in more.items()}}
    scope = {
        "type": kind,
        "scheme": scheme,
        "path": path,
        "query_string": query.encode("latin-1"),
        "client": (peer, 5),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        **({} if kind == "websocket" else {"method": method}),
    }
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    async def receive() -> Any:
        raise AssertionError("the guard reads nothing")

    await guard(scope, receive, send)
    return Answer(messages)


def room() -> Room:
    return Room(lambda: 0.0)


SOCKET = {"path": "/_nicegui_ws/socket.io/", "scheme": "ws"}
ELSEWHERE = {"sec_fetch_site": "cross-site"}
FOLLOWED = {"sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (200, {}),
        (200, {"host": "localhost:8080", "origin": "http://localhost:8080"}),
        (200, {"host": "[::1]:8080", "peer": "::1"}),
        (101, {**SOCKET, "origin": "http://127.0.0.1:8080"}),
        # A name that is not ours, whoever asks.
        (421, {"host": "evil.example"}),
        (421, {"host": "127.0.0.1.evil.example:8080"}),
        (421, {"host": "localhost.:8080"}),
        (421, {"host": ""}),
        (421, {"host": "127.0.0.1:8080@evil.example"}),
        (403, {**SOCKET, "host": "evil.example", "origin": "http://evil.example"}),
        # Another site: by socket, by request, in a frame.
        (403, {**SOCKET}),
        (403, {**SOCKET, "origin": "http://evil.example"}),
        (403, {**SOCKET, "origin": "http://127.0.0.1:9999"}),
        (403, {**SOCKET, "origin": "https://127.0.0.1:8080"}),
        (403, {**SOCKET, "origin": "null"}),
        (403, {"origin": "http://evil.example"}),
        (403, {"origin": "null", "method": "POST"}),
        (403, {**ELSEWHERE}),
        (403, {"sec_fetch_site": "same-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"}),
        (403, {**ELSEWHERE, "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}),
        (403, {**ELSEWHERE, **FOLLOWED, "method": "POST"}),
        (200, {**ELSEWHERE, **FOLLOWED}),
        # Through a proxy nobody named, and from a network nobody shared with.
        (421, {"x_forwarded_for": "192.0.2.9"}),
        (421, {"x_forwarded_proto": "https"}),
        (403, {"peer": GUEST}),
        (403, {**SOCKET, "peer": GUEST, "origin": "http://127.0.0.1:8080"}),
    ],
)
async def test_who_is_let_through_where_nothing_is_shared(status: int, request_: dict[str, str]) -> None:
    inside = Inside()
    assert (await ask(Guard(inside), **request_)).status == status
    assert len(inside.visitors) == (status in {101, 200})


async def test_the_owner_needs_no_code_and_the_network_does() -> None:
    guard = Guard(inside := Inside(), NAMES, room())
    assert (await ask(guard)).status == 200
    assert inside.visitors == [Visitor("127.0.0.1", is_owner=True)]
    guest = {"peer": GUEST, "host": f"{LAN}:8080", "scheme": "https"}
    refused = await ask(guard, **guest)
    assert refused.status == 403 and b'name="code"' in refused.body
    for path in ("/_nicegui/3/static/nicegui.js", "/_nicegui_ws/socket.io/?transport=polling"):
        assert (await ask(guard, path, **guest)).status == 403
    origin = f"https://{LAN}:8080"
    assert (await ask(guard, **{**guest, **SOCKET, "scheme": "wss", "origin": origin})).status == 403
    # That somebody on the network says "localhost", or the owner uses the network's address, makes no owner.
    assert (await ask(guard, **{**guest, "host": "localhost"})).status == 403
    assert (await ask(guard, host=f"{LAN}:8080")).status == 403


async def test_the_code_becomes_a_cookie_that_opens_pages_and_sockets() -> None:
    guard = Guard(inside := Inside(), NAMES, key := room())
    guest = {"peer": GUEST, "host": "Laptop.local:8080", "scheme": "https"}
    welcome = await ask(guard, f"/?code={key.code}", **guest)
    assert (welcome.status, welcome.headers["location"]) == (303, "/")
    cookie, *attributes = welcome.headers["set-cookie"].split("; ")
    assert {"HttpOnly", "Secure", "SameSite=Lax"} <= set(attributes) and key.code not in cookie
    guest["cookie"] = f"theirs={{}}; {cookie}"
    assert (await ask(guard, **guest)).status == 200
    origin = "https://laptop.local:8080"
    assert (await ask(guard, **{**guest, **SOCKET, "scheme": "wss", "origin": origin})).status == 101
    assert {visitor.address for visitor in inside.visitors} == {GUEST}
    assert not any(visitor.is_owner for visitor in inside.visitors)
    key.close()
    assert b"closed the room" in (await ask(guard, **guest)).body
    assert (await ask(guard, **{**guest, **SOCKET, "scheme": "wss", "origin": origin})).status == 403


async def test_who_guesses_is_told_to_wait() -> None:
    guard = Guard(Inside(), NAMES, key := room())
    guest = {"peer": GUEST, "host": LAN, "scheme": "https"}
    for _ in range(TRIES):
        assert b"not the code" in (await ask(guard, "/?code=22222222", **guest)).body
    limited = await ask(guard, f"/?code={key.code}", **guest)
    assert limited.status == 429 and int(limited.headers["retry-after"]) > 0
    assert "set-cookie" not in limited.headers


PROXY = {"host": "voice.example", "x_forwarded_for": f"203.0.113.5, {GUEST}", "x_forwarded_proto": "https"}


async def test_only_the_named_proxy_is_believed() -> None:
    guard = Guard(inside := Inside(), (), key := room(), proxies("127.0.0.1"))
    assert (await ask(guard, **PROXY)).status == 403  # as a visitor without a code
    cookie = f"{COOKIE}={key.cookie_of('v')}"
    assert (await ask(guard, **PROXY, cookie=cookie)).status == 200
    assert inside.visitors == [Visitor(GUEST, is_owner=False, id="v")]  # the address the proxy saw, not one it was told
    assert inside.scopes[0]["scheme"] == "https" and inside.scopes[0]["client"][0] == GUEST
    socket = {**PROXY, **SOCKET, "cookie": cookie}
    assert (await ask(guard, **socket, origin="https://voice.example")).status == 101
    assert (await ask(guard, **socket, origin="http://voice.example")).status == 403
    assert (await ask(guard, **PROXY, cookie=cookie, peer="198.51.100.1")).status == 421
    assert (await ask(guard, cookie=cookie, peer="198.51.100.1")).status == 403
    assert (await ask(guard, **{**PROXY, "x_forwarded_for": ""}, cookie=cookie)).status == 421


BARE = {"host": "127.0.0.1:8080"}
"""What nginx sends with a bare proxy_pass: its own idea of the host, and not for whom."""


@pytest.mark.parametrize("trusted", ["127.0.0.1", "*", "127.0.0.0/8, ::1"])
@pytest.mark.parametrize(
    "request_", [{**BARE}, {**BARE, "host": "localhost"}, {**BARE, **SOCKET, "origin": "http://127.0.0.1:8080"}]
)
async def test_without_a_forwarded_address_nobody_is_the_owner_or_comes_in(
    trusted: str, request_: dict[str, str]
) -> None:
    guard = Guard(inside := Inside(), (), key := room(), proxies(trusted))
    answer = await ask(guard, **request_, cookie=f"{COOKIE}={key.cookie_of('v')}; {OWNER_COOKIE}={key.owner_key}")
    assert answer.status in {403, 421} and not inside.visitors
    assert answer.status == 403 or b"X-Forwarded-For" in answer.body


@pytest.mark.parametrize("forwarded", ["unknown", "", " , ", "_hidden", "127.0.0.1, garbage"])
async def test_a_forwarded_address_that_is_none_is_not_believed(forwarded: str) -> None:
    guard = Guard(inside := Inside(), (), key := room(), proxies("127.0.0.1"))
    request_ = {**PROXY, "x_forwarded_for": forwarded, "cookie": f"{COOKIE}={key.cookie_of('v')}"}
    assert (await ask(guard, **request_)).status == 421 and not inside.visitors


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "visitor"),
    [
        ("10.0.0.0/8", "10.1.2.3", "203.0.113.5", "203.0.113.5"),
        ("10.0.0.0/8,192.0.2.1", "192.0.2.1", "203.0.113.5, 10.9.9.9", "203.0.113.5"),
        ("10.0.0.0/8", "10.1.2.3", "198.51.100.9, 203.0.113.5, 10.9.9.9", "203.0.113.5"),
        ("10.0.0.0/8", "10.1.2.3", "10.0.0.7", "10.0.0.7"),
        ("*", "203.0.113.99", "198.51.100.9, 203.0.113.5", "203.0.113.5"),
        ("::1", "::1", "[2001:db8::1]:443", "2001:db8::1"),
        ("127.0.0.1", "::ffff:127.0.0.1", "203.0.113.5:4711", "203.0.113.5"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1"),
    ],
)
async def test_the_visitor_is_whom_the_last_proxy_that_is_not_ours_saw(
    trusted: str, peer: str, forwarded: str, visitor: str
) -> None:
    guard = Guard(inside := Inside(), (), key := room(), proxies(trusted))
    request_ = {**PROXY, "x_forwarded_for": forwarded, "peer": peer, "cookie": f"{COOKIE}={key.cookie_of('v')}"}
    assert (await ask(guard, **request_)).status == 200
    assert inside.visitors == [Visitor(visitor, is_owner=False, id="v")]


async def test_the_owner_comes_through_the_proxy_by_a_link_of_their_own() -> None:
    guard = Guard(inside := Inside(), (), key := room(), proxies("127.0.0.1"))
    welcome = await ask(guard, f"/?owner={key.owner_key}", **PROXY)
    assert welcome.status == 303
    cookie = welcome.headers["set-cookie"].partition(";")[0]
    key.close()
    assert (await ask(guard, **PROXY, cookie=cookie)).status == 200
    assert inside.visitors[-1].is_owner
    for _ in range(TRIES):
        assert (await ask(guard, "/?owner=x", **PROXY)).status == 403
    assert (await ask(guard, f"/?owner={key.owner_key}", **PROXY)).status == 429


async def test_the_owner_beside_a_proxy_on_another_machine_needs_no_link() -> None:
    guard = Guard(inside := Inside(), (), room(), proxies("10.0.0.5"))
    assert (await ask(guard)).status == 200
    assert inside.visitors[-1].is_owner


async def test_a_proxy_that_nobody_named_is_named_with_the_option_for_it() -> None:
    answer = await ask(Guard(Inside(), NAMES, room()), peer="10.0.0.5", x_forwarded_for=GUEST)
    assert answer.status == 421 and b"--behind-proxy 10.0.0.5" in answer.body


@pytest.mark.parametrize("path", ["/", "/voice/", "/voice"])
async def test_a_sub_path_is_taken_off_or_has_been(path: str) -> None:
    guard = Guard(inside := Inside(), (), key := room(), proxies("127.0.0.1"))
    request_ = {**PROXY, "x_forwarded_prefix": "/voice/"}
    welcome = await ask(guard, f"{path}?code={key.code}", **request_)
    assert (welcome.status, welcome.headers["location"]) == (303, "/voice/")
    assert "Path=/voice/" in welcome.headers["set-cookie"]
    cookie = welcome.headers["set-cookie"].partition(";")[0]
    assert (await ask(guard, path, **request_, cookie=cookie)).status == 200
    scope = inside.scopes[-1]
    assert scope["path"] == "/" and dict(scope["headers"])[b"x-forwarded-prefix"] == b"/voice"


@pytest.mark.parametrize("prefix", ['/x"><script>', "//evil.example", "/a b", "x", "https://evil.example", "/\xff"])
async def test_a_sub_path_that_is_none_reaches_no_page(prefix: str) -> None:
    guard = Guard(inside := Inside(), (), key := room(), proxies("127.0.0.1"))
    cookie = f"{COOKIE}={key.cookie_of('v')}"
    answer = await ask(guard, **PROXY, cookie=cookie, x_forwarded_prefix=prefix)
    assert answer.status == 200
    assert b"x-forwarded-prefix" not in dict(inside.scopes[-1]["headers"])
    assert (await ask(guard, f"/?code={key.code}", **PROXY, x_forwarded_prefix=prefix)).headers["location"] == "/"


async def test_a_page_behind_a_proxy_checks_its_own_address() -> None:
    guard = Guard(Inside(), (), key := room(), proxies("127.0.0.1"))
    cookie = f"{COOKIE}={key.cookie_of('v')}"
    for request_ in (PROXY, {**PROXY, "host": "voice.example:8443"}):
        answer = await ask(guard, **request_, cookie=cookie)
        assert f'"host": "{request_["host"]}"'.encode() in answer.body
        assert len(answer.body) == int(answer.headers["content-length"])
    foreign = await ask(guard, "/x.js", **PROXY, cookie=cookie, origin="https://voice.example:8443")
    assert foreign.status == 403 and b"Host" in foreign.body and b"https://voice.example:8443" in foreign.body
    assert b"proxy" not in (await ask(Guard(Inside()))).body


async def test_probes_need_no_code_and_say_nothing() -> None:
    ready: list[bool] = []
    is_ready: Any = {"is_ready": lambda: bool(ready)}
    for guard in (Guard(Inside(), **is_ready), Guard(Inside(), NAMES, room(), proxies("*"), **is_ready)):
        ready.clear()
        for host in ("10.1.2.3:8080", "", "evil.example"):
            alive = await ask(guard, "/healthz", GUEST, host=host)
            assert (alive.status, alive.body) == (200, b"ok\n")
            assert (await ask(guard, "/readyz", GUEST, host=host)).status == 503
        ready.append(True)
        assert (await ask(guard, "/readyz", GUEST, method="HEAD")).status == 200
        assert (await ask(guard, "/healthz", GUEST, method="POST")).status in {403, 421}


async def test_only_the_named_sites_may_show_the_page() -> None:
    framed = {**ELSEWHERE, "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}
    guard = Guard(Inside(), (), key := room(), proxies("127.0.0.1"), frame_ancestors="https://example.com")
    welcome = await ask(guard, f"/?code={key.code}", **PROXY, **framed)
    assert {"SameSite=None", "Secure", "Partitioned"} <= set(welcome.headers["set-cookie"].split("; "))
    answer = await ask(guard, **PROXY, **framed, cookie=welcome.headers["set-cookie"].partition(";")[0])
    assert answer.status == 200
    assert "frame-ancestors https://example.com" in answer.headers["content-security-policy"]
    assert (await ask(guard, **PROXY, **{**framed, "sec_fetch_dest": "image"})).status == 403


async def test_a_body_that_is_too_long_is_not_read_to_its_end() -> None:
    chunks = 0

    async def greedy(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        await send({"type": "http.response.start", "status": 400, "headers": []})

    async def receive() -> Any:
        nonlocal chunks
        chunks += 1
        return {"type": "http.request", "body": b"x" * 65_536, "more_body": True}

    async def send(message: Any) -> None:
        pass

    headers = [(b"host", b"127.0.0.1:8080")]
    scope = {"type": "http", "scheme": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    await Guard(greedy)({**scope, "client": ("127.0.0.1", 5)}, receive, send)
    assert chunks <= BODY_BYTES // 65_536 + 1


async def test_pages_keep_to_themselves_and_run_their_own_scripts_only() -> None:
    answer = await ask(Guard(Inside()))
    (nonce,) = set(re.findall(rb'<script nonce="([\w-]{16,})"', answer.body))
    assert answer.body.count(b"nonce=") == 2 and len(answer.body) == int(answer.headers["content-length"])
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["script-src"] == f"'self' 'unsafe-eval' 'nonce-{nonce.decode()}'"
    assert policy["connect-src"] == "'self' ws://127.0.0.1:8080"
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    words = " ".join(policy.values())
    assert "*" not in words and "https:" not in words
    for headers in (answer.headers, (await ask(Guard(Inside()), host="evil.example")).headers):
        assert headers["permissions-policy"].startswith("microphone=(self)")
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert nonce not in (await ask(Guard(Inside()))).body


@pytest.mark.parametrize(
    ("host", "served"),
    [("a.example.org", True), ("A.EXAMPLE.ORG:443", True), ("example.org", False), ("a.b.example.org", False),
     ("[::1]", True), ("127.9.9.9", True), ("laptop.local:70000", True), ("laptop.local:", False), ("*", False)],
)  # fmt: skip
def test_names_are_compared_whole(host: str, served: bool) -> None:
    assert is_served(host, NAMES) is served


LATIN = st.text(st.characters(max_codepoint=255), max_size=60)
HEADERS = st.dictionaries(
    st.sampled_from(["host", "origin", "cookie", "x_forwarded_for", "x_forwarded_proto", "sec_fetch_site", "junk"]),
    LATIN | st.sampled_from([LAN, "localhost", "null", f"{COOKIE}=", f"{COOKIE}={'x' * 43}", "https", ";;=;", "a=b"]),
)

SHARED_ROOM = room()


@given(
    path=LATIN, query=LATIN, headers=HEADERS, scheme=st.sampled_from(["http", "https", "ws", "wss"]), here=st.booleans()
)
async def test_garbage_is_refused_and_leaves_nothing_behind(
    path: str, query: str, headers: dict[str, str], scheme: str, here: bool
) -> None:
    guard = Guard(inside := Inside(), NAMES, SHARED_ROOM, proxies("127.0.0.1") if here else Proxies())
    target = f"/{path}".replace("?", "") + f"?{query}"
    for place in (target, f"/?code={query}"):
        answer = await ask(guard, place, GUEST, scheme, **headers)
        assert answer.status in {403, 421, 429}
        assert not re.search(r"[\r\n]", "".join(answer.headers.values()))
    assert not inside.visitors
    assert len(SHARED_ROOM._guesses) <= ADDRESSES
