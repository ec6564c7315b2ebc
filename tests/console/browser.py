"""The console served on loopback, and a real browser to look at it with."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from playwright.async_api import Browser, Page, async_playwright

from doorward.api.settings import DoorSettings
from doorward.clock import now_us
from doorward.console.app import create_app
from doorward.control.operators import LOCAL
from tests.control.offices import Scene, close_scene, open_scene

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
)
TOKEN = "dwo_for-tests"


@dataclass
class Served:
    """A console at *url*, and the office behind it."""

    url: str
    scene: Scene
    browser: Browser

    async def signed_in(self, name: str, **context: object) -> Page:
        """A page that *name* has signed in with, and that fails on any error in it."""
        page = await (await self.browser.new_context(**context)).new_page()  # type: ignore[arg-type]
        await page.goto(self.url + "/login")
        secret = TOKEN if name == "operator" else (await self.scene.office.secrets.mint(LOCAL, name)).secret
        await page.fill("input[name=name]", name)
        await page.fill("input[name=secret]", secret)
        await page.press("input[name=secret]", "Enter")
        await page.wait_for_url(self.url + "/")
        return page


@asynccontextmanager
async def served(directory: Path) -> AsyncIterator[Served]:
    """The console on a free port, with a browser."""
    scene = await open_scene(directory, now_us)
    listening = socket.create_server(("127.0.0.1", 0))
    app = create_app(scene.office, DoorSettings(TOKEN))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}", scene, browser)
        finally:
            await browser.close()
            server.should_exit = True
            await serving
            listening.close()
            await close_scene(scene)
