"""`--share`: others on the network talk over https; who has no code, or is another site, gets nowhere."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.async_api import Browser, Error as PlaywrightError, Page, expect

from tests.browser.conftest import OpenBrowser
from tests.browser.page import Talk, open_talk
from tests.patience import until
from tests.running import Program, other_site, program
from voice_ui.sharing.addresses import lan_addresses

ANSWER = "12"


@pytest.fixture
def lan() -> str:
    """Return this machine's address on its network."""
    addresses = lan_addresses()
    if not addresses:
        pytest.skip("this machine has no address on a network")
    return addresses[0]


class Shared(Program):
    """A program that is shared."""

    @property
    def link(self) -> str:
        """The first link that it wrote into the terminal."""
        found = re.search(r"https://\S+/\?code=\w{8}", self.log)
        assert found, self.log
        return found[0]

    @property
    def place(self) -> str:
        """The link without the code."""
        return self.link.partition("?")[0]


@asynccontextmanager
async def shared(folder: Path, *arguments: str, **environ: str) -> AsyncIterator[Shared]:
    async with program("--share", *arguments, folder=folder, XDG_STATE_HOME=str(folder), **environ) as app:
        app.__class__ = Shared
        assert isinstance(app, Shared)
        await until(lambda: "private" in app.log, what="the invitation is written")
        yield app


async def visit(browser: Browser, url: str) -> Talk:
    """Open the page as somebody on the network whose browser has accepted the certificate."""
    context = await browser.new_context(ignore_https_errors=True, permissions=["microphone"])
    return await Talk(await context.new_page()).open(url)


def decoded(image: Image.Image) -> str:
    (found,) = zxingcpp.read_barcodes(image)
    return found.text


async def test_somebody_on_the_network_talks_and_the_owner_sees_it_and_ends_it(
    tmp_path: Path, open_browser: OpenBrowser, lan: str
) -> None:
    async with shared(tmp_path) as app, open_browser() as browser:
        assert lan in app.link
        owner = await open_talk(browser, app.url)
        await owner.page.get_by_role("button", name="Share: Nobody else is here").click()
        await expect(owner.page.get_by_test_id("share-link").first).to_have_text(app.link)
        picture = await owner.page.get_by_role("img", name="QR code").screenshot(animations="disabled")
        assert decoded(Image.open(io.BytesIO(picture))) == app.link

        guest = await visit(browser, app.link)
        assert guest.page.url == app.place  # the code stays in no history and on no screenshot
        await expect(guest.page.get_by_test_id("share-button")).to_have_count(0)
        await guest.start()
        row = owner.page.get_by_test_id("visitors").get_by_role("listitem")
        await expect(row).to_contain_text(lan)
        await expect(row.get_by_test_id("visitor-state")).to_have_text("talking")
        await expect(guest.response).to_contain_text(ANSWER)
        await expect(row).to_contain_text(re.compile(r"since \d\d:\d\d · \d\.\d min · [1-9]\d* tokens"))

        await row.get_by_role("button", name="Stop").click()
        await guest.shows_error("stopped-by-owner")
        await guest.is_in("idle")
        await expect(row.get_by_test_id("visitor-state")).to_have_text("stopped")
        await guest.start()  # P10: the owner's Stop holds
        await guest.is_in("error")
        await guest.page.reload()
        await guest.start()
        await guest.shows_error("stopped-by-owner")
        await expect(row.get_by_test_id("visitor-state")).to_have_text("stopped")
        await row.get_by_role("button", name="Allow").click()
        await guest.start()
        await expect(row.get_by_test_id("visitor-state")).to_have_text("talking")
        await owner.page.get_by_test_id("stop-all").click()
        await guest.shows_error("stopped-by-owner")
        assert re.search(r"visitor 1 came\n", app.log) and not re.search(rf"visitor.*{re.escape(lan)}", app.log)

        await owner.page.get_by_test_id("close-room").click()
        await expect(guest.page.get_by_role("alert")).to_have_text("The owner has closed the room.")
        await expect(row).to_have_count(0)
        await expect(owner.page.get_by_test_id("room-closed")).to_be_visible()
        await owner.page.get_by_test_id("close-room").click()
        again = await owner.page.get_by_test_id("share-link").first.inner_text()
        assert again.partition("?")[0] == app.place and again != app.link
        await guest.open(again)
        assert not owner.complaints


async def test_without_the_code_there_is_a_page_that_asks_for_it_and_no_socket(
    tmp_path: Path, open_browser: OpenBrowser, lan: str
) -> None:
    async with shared(tmp_path) as app, open_browser() as browser:
        context = await browser.new_context(ignore_https_errors=True)
        page = await context.new_page()
        answer = await page.goto(app.place)
        assert answer is not None and answer.status == 403
        assert await socket_outcome(page, app.place) == "refused"
        await page.get_by_label("Code").fill("2222-2222")
        await page.get_by_role("button", name="Join").click()
        await expect(page.get_by_role("alert")).to_have_text("That is not the code.")
        code = app.link[-8:]
        await page.get_by_label("Code").fill(f"{code[:4]}-{code[4:]}".lower())
        await page.get_by_role("button", name="Join").click()
        await expect(page.get_by_test_id("talk")).to_be_visible()
        assert page.url == app.place


async def socket_outcome(page: Page, place: str) -> str:
    """Return what becomes of a socket that a page opens to the program."""
    address = place.replace("http", "ws", 1) + "_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    outcome: str = await page.evaluate(
        """address => new Promise(resolve => {
            const socket = new WebSocket(address);
            socket.onopen = () => resolve("open");
            socket.onerror = () => resolve("refused");
        })""",
        address,
    )
    return outcome


async def test_another_site_opens_no_socket_and_reaches_no_handler(tmp_path: Path, open_browser: OpenBrowser) -> None:
    async with program(folder=tmp_path) as app, open_browser() as browser, other_site() as port:
        talk = await open_talk(browser, app.url)
        assert await socket_outcome(talk.page, f"{app.url}/") == "open"
        for elsewhere in (f"http://127.0.0.1:{port}/", f"http://localhost:{port}/"):
            page = await talk.page.context.new_page()
            await page.goto(elsewhere)
            assert await socket_outcome(page, f"{app.url}/") == "refused"
            statuses: list[int] = []
            wire = await page.context.new_cdp_session(page)  # sees what the browser keeps from the page
            wire.on("Network.responseReceivedExtraInfo", lambda event, seen=statuses: seen.append(event["statusCode"]))
            await wire.send("Network.enable")
            for path in ("", "_nicegui_ws/socket.io/?EIO=4&transport=polling"):
                for how in ({}, {"mode": "no-cors"}, {"mode": "no-cors", "method": "POST", "body": "40"}):
                    with pytest.raises(PlaywrightError, match="Failed to fetch"):
                        await page.evaluate("([url, how]) => fetch(url, how)", [f"{app.url}/{path}", how])
            await until(lambda seen=statuses: len(seen) == 6, what="all answers are seen")
            assert set(statuses) == {403}
            await page.close()
