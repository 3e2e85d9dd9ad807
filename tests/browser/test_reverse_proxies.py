"""Behind real proxies, as docs/proxies.md configures them: a spoken turn, on any path, by any transport."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenBrowser
from tests.browser.page import Talk
from tests.browser.test_share import Shared
from tests.patience import SECOND, until, within
from tests.protocol.scripted import ScriptedServer
from tests.running import ROOT, free_port, program
from tests.servers.scripted import holds
from voice_ui import audio
from voice_ui.sharing import certificate

DOCUMENT = (ROOT / "docs" / "proxies.md").read_text(encoding="utf-8")
ANSWER = "12"


def shown(kind: str) -> str:
    """Return a configuration from the documentation."""
    found = re.search(rf"^```{kind}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found, kind
    return found[1]


def caddy(folder: Path, inside: int, outside: int, *, subpath: bool, websocket: bool) -> list[str]:
    text = shown("caddyfile-subpath" if subpath else "caddyfile")
    text = text.replace("voice.example", f"https://127.0.0.1:{outside}").replace(
        "127.0.0.1:8080", f"127.0.0.1:{inside}"
    )
    text = text.replace("{\n", f"{{\n\ttls {folder}/certificate.pem {folder}/certificate.pem\n", 1)
    if not websocket:
        block = text if subpath else text.replace(f":{inside}", f":{inside} {{\n}}")
        text = block.replace(f":{inside} {{\n", f":{inside} {{\n\t\t\theader_up -Upgrade\n")
    head = f"{{\n\tadmin off\n\tauto_https off\n\tstorage file_system {folder}/caddy\n}}\n"
    (folder / "Caddyfile").write_text(head + text, encoding="utf-8")
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def nginx(folder: Path, inside: int, outside: int, *, subpath: bool, websocket: bool) -> list[str]:
    text = shown("nginx")
    if subpath:
        text = re.sub(r"    location / \{.*?^    \}\n", lambda _: shown("nginx-subpath"), text, flags=re.M | re.S)
    text = text.replace("listen 443", f"listen 127.0.0.1:{outside}").replace("127.0.0.1:8080", f"127.0.0.1:{inside}")
    text = text.replace("certificate.pem", f"{folder}/certificate.pem")
    if not websocket:
        text = re.sub(r".*proxy_set_header (Upgrade|Connection) .*\n", "", text)
    places = "".join(
        f"    {name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""  # its workers could not write into the folder of the test
    (folder / "nginx.conf").write_text(
        f"{user}daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n"
        f"events {{ worker_connections 256; }}\nhttp {{\n    access_log off;\n{places}{text}}}\n",
        encoding="utf-8",
    )
    return ["nginx", "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]


def haproxy(folder: Path, inside: int, outside: int, *, subpath: bool, websocket: bool) -> list[str]:
    text = shown("haproxy").replace("bind :443", f"bind 127.0.0.1:{outside}")
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{inside}").replace("certificate.pem", f"{folder}/certificate.pem")
    more = shown("haproxy-subpath") if subpath else ""
    if not websocket:
        more += "    http-request del-header Upgrade\n"
    text = text.replace("    default_backend", f"{more}    default_backend")
    (folder / "haproxy.cfg").write_text(text, encoding="utf-8")
    return ["haproxy", "-db", "-f", str(folder / "haproxy.cfg")]


PROXIES = {"caddy": caddy, "nginx": nginx, "haproxy": haproxy}


@asynccontextmanager
async def running(command: list[str], port: int) -> AsyncIterator[None]:
    """Run a proxy until it listens, and stop it at the end."""
    if not (path := shutil.which(command[0]) or shutil.which(command[0], path="/usr/sbin")):
        pytest.skip(f"no {command[0]}: install it (Debian: apt-get install {command[0]})")
    process = await asyncio.create_subprocess_exec(
        path, *command[1:], stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )

    async def listens() -> None:
        while True:
            assert process.returncode is None and process.stderr is not None, await process.stderr.read()  # type: ignore[union-attr]
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return

    drained: asyncio.Task[bytes] | None = None
    try:
        await within(15, listens())
        assert process.stderr is not None
        drained = asyncio.create_task(process.stderr.read())
        yield
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await within(10, process.wait())
        if drained:
            await drained


@asynccontextmanager
async def behind(name: str, folder: Path, *, subpath: bool, websocket: bool) -> AsyncIterator[tuple[Shared, str]]:
    """Run the program behind a proxy; yields it and the address of the page, without a code."""
    certificate.own(folder, ["localhost", "127.0.0.1"])
    inside, outside = free_port(), free_port()
    command = PROXIES[name](folder, inside, outside, subpath=subpath, websocket=websocket)
    arguments = ("--share", "--behind-proxy", "127.0.0.1", "--offline")
    async with served(arguments, folder, inside) as app, running(command, outside):
        yield app, f"https://127.0.0.1:{outside}/{'voice/' if subpath else ''}"


@asynccontextmanager
async def served(arguments: tuple[str, ...], folder: Path, port: int, **environ: str) -> AsyncIterator[Shared]:
    async with program(*arguments, folder=folder, port=port, path="/healthz", **environ) as app:
        app.__class__ = Shared
        assert isinstance(app, Shared)
        await until(lambda: "/?owner=" in app.log, what="the invitation is written")
        yield app


@pytest.mark.parametrize("websocket", [True, False], ids=["websocket", "polling"])
@pytest.mark.parametrize("subpath", [False, True], ids=["root", "sub-path"])
@pytest.mark.parametrize("name", PROXIES)
async def test_a_spoken_turn_behind_a_proxy(
    name: str, subpath: bool, websocket: bool, tmp_path: Path, open_browser: OpenBrowser
) -> None:
    async with (
        behind(name, tmp_path, subpath=subpath, websocket=websocket) as (app, address),
        open_browser() as browser,
    ):
        context = await browser.new_context(ignore_https_errors=True, permissions=["microphone"])
        page = await context.new_page()
        answer = await page.goto(address)
        assert answer is not None and answer.status == 403  # nobody is the owner without the code
        sockets: list[str] = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        code = re.search(r"/\?code=(\w+)", app.log)
        assert code
        talk = await Talk(page).open(f"{address}?code={code[1]}")
        assert page.url == address
        await talk.start()
        # By polling, audio comes in bursts, and on a busy machine the beginning may be missing.
        expected = ANSWER if websocket else re.compile(rf"{ANSWER}|five", re.IGNORECASE)
        await expect(talk.response).to_contain_text(expected, timeout=40_000 * SECOND)
        transport = "window.socket.io.engine.transport.name"
        assert await page.evaluate(transport) == ("websocket" if websocket else "polling")
        await talk.stop()


RECORD = """() => {
    const mic = Object.values(mounted_app.elements).find(({ tag }) => tag === "nicegui-mic");
    const { delivery } = getElement(Object.entries(mounted_app.elements).find(([, one]) => one === mic)[0]);
    const post = delivery.post;
    window.captured = [];
    delivery.post = function (name, body, ...rest) {
        if (name === "chunk") window.captured.push(body);
        return post.call(this, name, body, ...rest);
    };
}"""


async def test_by_polling_every_sample_that_the_page_captures_reaches_the_model(
    tmp_path: Path, open_browser: OpenBrowser
) -> None:
    async with ScriptedServer(holds).running() as server:
        certificate.own(tmp_path, ["localhost", "127.0.0.1"])
        inside, outside = free_port(), free_port()
        command = nginx(tmp_path, inside, outside, subpath=False, websocket=False)
        arguments = ("--share", "--behind-proxy", "127.0.0.1")
        base = server.url.partition("/realtime")[0]
        async with (
            served(arguments, tmp_path, inside, OPENAI_BASE_URL=base) as app,
            running(command, outside),
            open_browser() as browser,
        ):
            context = await browser.new_context(ignore_https_errors=True, permissions=["microphone"])
            code = re.search(r"/\?code=(\w+)", app.log)
            assert code
            talk = await Talk(await context.new_page()).open(f"https://127.0.0.1:{outside}/?code={code[1]}")
            await talk.page.evaluate(RECORD)
            await talk.start()
            await talk.is_in("listening")
            await talk.page.wait_for_timeout(8000)
            assert await talk.page.evaluate("window.socket.io.engine.transport.name") == "polling"
            await talk.stop()
            await talk.is_in("idle")
            captured = b"".join(audio.decode(body) for body in await talk.page.evaluate("window.captured"))
            received = server.wires[0].sound
            assert len(captured) > 5 * audio.BYTES_A_SECOND
            assert received[: len(captured)] == captured
            assert not received[len(captured) :].strip(b"\0"), "only the silence that ends a turn follows"


async def test_a_proxy_that_drops_the_port_is_told_so_on_the_page(tmp_path: Path, open_browser: OpenBrowser) -> None:
    certificate.own(tmp_path, ["localhost", "127.0.0.1"])
    inside, outside = free_port(), free_port()
    command = nginx(tmp_path, inside, outside, subpath=False, websocket=True)
    broken = (tmp_path / "nginx.conf").read_text(encoding="utf-8").replace("$http_host", "$host")
    (tmp_path / "nginx.conf").write_text(broken, encoding="utf-8")
    arguments = ("--share", "--behind-proxy", "127.0.0.1", "--offline")
    async with served(arguments, tmp_path, inside) as app, running(command, outside), open_browser() as browser:
        page = await (await browser.new_context(ignore_https_errors=True)).new_page()
        code = re.search(r"/\?code=(\w+)", app.log)
        assert code
        await page.goto(f"https://127.0.0.1:{outside}/?code={code[1]}")
        await page.goto(f"https://127.0.0.1:{outside}/")
        problem = page.get_by_test_id("proxy-problem")
        await expect(problem).to_contain_text("Host: 127.0.0.1")
        await expect(problem).to_contain_text(f"127.0.0.1:{outside}")
        await expect(problem).to_contain_text("proxy_set_header Host $http_host")


async def test_a_bare_proxy_makes_nobody_the_owner(tmp_path: Path) -> None:
    certificate.own(tmp_path, ["localhost", "127.0.0.1"])
    inside, outside = free_port(), free_port()
    command = nginx(tmp_path, inside, outside, subpath=False, websocket=True)
    bare = re.sub(r".*proxy_set_header .*\n", "", (tmp_path / "nginx.conf").read_text(encoding="utf-8"))
    (tmp_path / "nginx.conf").write_text(bare, encoding="utf-8")
    arguments = ("--share", "--behind-proxy", "127.0.0.1", "--offline")
    async with served(arguments, tmp_path, inside), running(command, outside):
        import httpx

        async with httpx.AsyncClient(verify=False, trust_env=False) as web:
            answer = await web.get(f"https://127.0.0.1:{outside}/")
        assert answer.status_code == 421 and "X-Forwarded-For" in answer.text


async def test_the_owner_has_a_link_of_their_own(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async with behind("nginx", tmp_path, subpath=True, websocket=True) as (app, address), open_browser() as browser:
        page = await (await browser.new_context(ignore_https_errors=True)).new_page()
        key = re.search(r"/\?owner=([\w-]+)", app.log)
        assert key
        await page.goto(f"{address}?owner={key[1]}")
        assert page.url == address
        await expect(page.get_by_test_id("share-button")).to_be_visible()
