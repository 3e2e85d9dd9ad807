"""Starts on machines with odd names, odd terminals and an odd environment."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.patience import until, within
from tests.running import ROOT, clean_environment, free_port, program
from voice_ui.sharing import addresses

RUN_ON_ODD_MACHINE = """
import socket, sys
name = sys.argv.pop(1)
socket.gethostname = lambda: name
from voice_ui.app import main
main()
"""


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("büro-pc", ["xn--bro-pc-kva", "xn--bro-pc-kva.local"]),
        ("Laptop", ["laptop", "laptop.local"]),
        ("host.example.org", ["host.example.org", "host.local"]),
        ("my_machine", ["my_machine", "my_machine.local"]),
        ("工作站", ["xn--6x6a61ab60a", "xn--6x6a61ab60a.local"]),
        ("x" * 70, []),
        ("odd\udcfcname", []),
        ("a..b", ["a.local"]),
        ("", []),
    ],
)
def test_names_of_machines_become_what_browsers_send(
    name: str, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: name)
    found = addresses.host_names()
    assert len(found) == len(names) and all(word.isascii() for word in found)
    assert not name.isascii() or found == names


async def test_an_impatient_ctrl_c_stops_the_program_in_good_order(tmp_path: Path) -> None:
    async with program("--offline", folder=tmp_path) as app:  # no traceback, and exit code 0
        with suppress(ProcessLookupError):
            for _ in range(5):
                app.process.send_signal(signal.SIGINT)
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
async def test_share_on_a_machine_with_an_umlaut_and_a_plain_terminal(encoding: str, tmp_path: Path) -> None:
    if not addresses.lan_addresses():
        pytest.skip("this machine has no address on a network")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUN_ON_ODD_MACHINE, "büro-pc", "--share", "--no-open", "--port", str(free_port()),
        cwd=tmp_path,
        env=clean_environment(XDG_STATE_HOME=str(tmp_path), PYTHONPATH=str(ROOT), PYTHONIOENCODING=encoding),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said = b""

    async def read() -> None:
        nonlocal said
        assert process.stdout is not None
        async for line in process.stdout:
            said += line

    reading = asyncio.create_task(read())
    try:
        await until(lambda: b"code=" in said and b"Details" in said, 30, what="the invitation is written")
    finally:
        if process.returncode is None:
            process.terminate()
        await within(15, process.wait())
        await reading
    text = said.decode(encoding)
    assert "Traceback" not in text, text
    assert re.search(r"https://[0-9.]+:\d+/\?code=\w{8}", text)
    assert ("▀" in text) is (encoding == "utf-8")


async def test_an_environment_of_other_programs_changes_nothing(tmp_path: Path) -> None:
    environ = {
        "WEB_CONCURRENCY": "4",
        "SSL_CERT_FILE": str(tmp_path / "gone.pem"),
        "FORWARDED_ALLOW_IPS": "*",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "socks5h://127.0.0.1:9",
        "ALL_PROXY": "socks5h://127.0.0.1:9",
    }
    async with program("--offline", folder=tmp_path, **environ) as app:
        assert await app.answers()
    assert "Traceback" not in app.log and "workers" not in app.log


async def test_a_proxy_or_certificate_that_is_gone_is_one_line_in_the_log(tmp_path: Path) -> None:
    for name, value, expected in (
        ("SSL_CERT_FILE", str(tmp_path / "gone.pem"), "certificates-missing"),
        ("ALL_PROXY", "http://me:hunter2hunter2@127.0.0.1:9", "proxy-unreachable"),
        ("HTTPS_PROXY", "me:hunter2hunter2@proxy.example:port", "proxy-invalid"),
    ):
        key = "sk-proj-0123456789abcdefghij"
        async with program(folder=tmp_path, OPENAI_API_KEY=key, **{name: value}) as app:
            await until(lambda app=app, expected=expected: expected in app.log, what=expected)  # type: ignore[misc]
            (line,) = [line for line in app.log.splitlines() if expected in line]
            assert name in line
        assert "hunter2" not in app.log and key not in app.log
