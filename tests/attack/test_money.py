"""What somebody with the code can do to the owner's money: spend what they are allowed, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.attack.tab import Tab
from tests.attack.target import Target, under_attack
from tests.patience import until
from tests.protocol.test_money import COST, answers, asked
from tests.running import program
from tests.servers.scripted import ScriptedServer

pytestmark = pytest.mark.long

PRICES = "dear=text 4/0.4/24 audio 32/0.4/64"


@asynccontextmanager
async def dear_demo(folder: Path, server: ScriptedServer, **limits: str) -> AsyncIterator[Target]:
    """Share a program that uses a server whose replies cost `COST`."""
    settings = {"OPENAI_BASE_URL": server.url.partition("/realtime")[0], "VOICE_UI_MODEL": "dear"}
    async with under_attack(folder, **settings, VOICE_UI_PRICES=PRICES, **limits) as target:
        yield target


async def asking(target: Target, guest: httpx.AsyncClient) -> Tab:
    """Open a tab and type a line."""
    tab = await Tab.of(target, guest)
    await tab.open_settings()
    await tab.send("Type instead of speaking", "update:modelValue", True)
    await tab.send("nicegui-composer", "message", {"id": "1", "text": "How much?", "image": None})
    return tab


async def spend(target: Target, guest: httpx.AsyncClient, server: ScriptedServer) -> str:
    """Type one line in a new tab; return what becomes of it: the reply, or the code of the problem."""
    before = asked(server)
    tab = await asking(target, guest)
    message = await tab.heard('"data-code":', 10) if asked(server) == before else ""
    code = message.partition('"data-code":"')[2].partition('"')[0]
    await tab.socket.close()
    return code if asked(server) == before else "Yes."


async def test_no_tab_reload_cleared_cookie_or_other_browser_spends_a_visitors_limit_again(tmp_path: Path) -> None:
    async with ScriptedServer(answers).running(strict=False) as server:
        async with dear_demo(tmp_path, server, VOICE_UI_MAX_COST_PER_VISITOR=f"{COST}") as target:
            async with target.guest() as guest:
                tab = await asking(target, guest)
                await tab.heard("cost-limit-visitor", 10)
                assert asked(server) == 1
                assert await spend(target, guest, server) == "cost-limit-visitor", "another tab, or a reload"
                guest.cookies.clear()
                await guest.get("/", params={"code": target.code})
                assert await spend(target, guest, server) == "cost-limit-visitor", "without the cookie"
            async with target.guest() as other:
                assert await spend(target, other, server) == "cost-limit-visitor", "another browser"
            assert asked(server) == 1
            assert "visitor 1 came" in target.app.log and "visitor 2" not in target.app.log


async def test_the_limit_of_the_day_holds_over_a_restart_of_the_program(tmp_path: Path) -> None:
    async with ScriptedServer(answers).running(strict=False) as server:
        for expected in (1, 1):
            async with dear_demo(tmp_path, server, VOICE_UI_MAX_COST_PER_DAY=f"{COST}") as target:
                async with target.guest() as guest:
                    tab = await asking(target, guest)
                    await tab.heard("cost-limit-day", 10)
                    await until(lambda expected=expected: asked(server) == expected)
        assert (tmp_path / "voice-ui" / "spent.sqlite").exists()


@pytest.mark.parametrize("content", [b"", b"garbled " * 1000])
async def test_a_file_of_sums_that_is_garbled_is_one_line_and_exit_code_2_and_an_empty_one_begins_anew(
    tmp_path: Path, content: bytes
) -> None:
    folder = tmp_path / "voice-ui"
    folder.mkdir()
    (folder / "spent.sqlite").write_bytes(content)
    environ = {"XDG_STATE_HOME": str(tmp_path), "VOICE_UI_MAX_COST_TOTAL": "1"}
    if not content:
        async with program("--offline", folder=tmp_path, **environ):
            return
    with pytest.raises(AssertionError) as caught:
        async with program("--offline", folder=tmp_path, **environ):
            pass
    assert "VOICE_UI_MAX_COST_TOTAL needs the sums in" in str(caught.value) and "Traceback" not in str(caught.value)
