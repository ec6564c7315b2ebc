"""The console in Chromium: live without reload, decided by click, calm with scripts off."""

import pytest

pytest.importorskip("playwright")

from pathlib import Path

from playwright.async_api import Page, expect

from doorward.control.operators import LOCAL
from doorward.model import link
from doorward.model.approval import RequestState
from tests.console.browser import CHROMIUM, Served, served
from tests.control.happenings import held, identity, intent, sessions, tell_morning
from tests.control.offices import until

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium here"),
]


def watch(page: Page) -> list[str]:
    """Everything that the page complains about: script errors, and whatever the content policy stopped."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    return complaints


async def ask(console: Served, request_id: str = "req_1", **changes: object) -> None:
    await console.scene.gateway.say(link.Asked(held(console.scene, request_id, **changes)))
    await until(lambda: console.scene.store.requests.by_id(request_id) is not None)


async def test_request_arrives_without_reload_and_is_approved_by_click(tmp_path: Path) -> None:
    """The whole way: it appears, is read, is answered, and the gateway hears it."""
    async with served(tmp_path) as console:
        page = await console.signed_in("ben")
        complaints = watch(page)
        await page.click("nav >> text=Approvals")
        await expect(page.locator("#live-queue")).to_contain_text("Nothing waits")
        await page.evaluate("window.notReloaded = true")
        await ask(console)
        await expect(page.locator("#live-queue")).to_contain_text("report-bot")
        await expect(page.locator("#live-pending")).to_have_text("1")
        await expect(page).to_have_title("(1) Approvals – Doorward")
        assert await page.evaluate("window.notReloaded")
        await page.click(".question a")
        await expect(page.locator("pre.sql mark").first).to_have_text("email")
        await expect(page.locator("time[data-style=until]")).to_contain_text("left")
        await page.fill("#reason", "asked for by the customers, OPS-311")
        await page.click("button[value=approve]")
        await expect(page.locator("#live-decision")).to_contain_text("approved")
        answer = (await console.scene.gateway.hears(link.Answered)).answer
        assert (answer.approved, answer.by_name, answer.reason) == (True, "ben", "asked for by the customers, OPS-311")
        await expect(page.locator("#live-pending")).to_be_hidden()
        assert complaints == []


async def test_words_being_typed_survive_other_news_and_the_end_is_shown(tmp_path: Path) -> None:
    """Another request arriving leaves the form alone; the client's going away replaces it."""
    async with served(tmp_path) as console:
        await ask(console)
        page = await console.signed_in("ben")
        await page.goto(console.url + "/approvals/req_1")
        await page.fill("#reason", "half a sent")
        await ask(console, "req_2")
        await expect(page.locator("#live-pending")).to_have_text("2")
        await expect(page.locator("#reason")).to_have_value("half a sent")
        await console.scene.gateway.say(link.Settled("req_1", "withdrawn"))
        await expect(page.locator("#live-decision")).to_contain_text("stopped waiting")
        await expect(page.locator("#reason")).to_have_count(0)


async def test_like_questions_are_one_and_are_answered_at_once(tmp_path: Path) -> None:
    """A loop is one line. What is typed stays when another comes in; the tick does not, since it was for what was shown."""
    async with served(tmp_path) as console:
        for number in range(3):
            await ask(console, f"req_{number}", form="f", parameters=(f"'{number}'",))
        page = await console.signed_in("ben")
        complaints = watch(page)
        await page.goto(console.url + "/approvals")
        await expect(page.locator("#live-queue .question")).to_have_count(1)
        await expect(page.locator("#live-queue")).to_contain_text("3 alike")
        await expect(page.locator("#live-pending")).to_have_text("1")
        await page.goto(console.url + "/approvals/req_0")
        await expect(page.locator(".alike li")).to_have_count(2)
        await page.fill("#reason", "runs in a cir")
        await page.check("input[name=alike]")
        await ask(console, "req_3", form="f")
        await expect(page.locator(".alike li")).to_have_count(3)
        await expect(page.locator("#reason")).to_have_value("runs in a cir")
        await expect(page.locator("input[name=alike]")).not_to_be_checked()
        await page.check("input[name=alike]")
        await page.click("button[value=reject]")
        await expect(page.locator("#live-decision")).to_contain_text("rejected")
        assert {console.scene.store.requests.by_id(f"req_{n}").state for n in range(4)} == {RequestState.REJECTED}  # type: ignore[union-attr]
        assert complaints == []


async def test_sessions_and_statements_appear_as_they_happen(tmp_path: Path) -> None:
    """The first page, left open."""
    async with served(tmp_path) as console:
        page = await console.signed_in("operator")
        complaints = watch(page)
        await expect(page.locator("#live-sessions")).to_contain_text("Nobody is connected")
        for note in sessions(console.scene):
            await console.scene.gateway.say(note)
        await expect(page.locator("#live-sessions li")).to_have_count(3)
        stamp = identity(console.scene.principal("alice"), console.scene.principal("report-bot"))
        console.scene.log.add(intent(stamp, "select '<b>' as x", console.scene.office.now(), "n1"))
        row = page.locator("#live-statements tbody tr").first
        await expect(row).to_contain_text("select '<b>' as x")
        await expect(row).to_contain_text("allowed")
        assert complaints == []


async def test_everything_reads_without_scripts(tmp_path: Path) -> None:
    """Signing in, reading, deciding."""
    async with served(tmp_path) as console:
        tell_morning(console.scene)
        await ask(console)
        page = await console.signed_in("ben", java_script_enabled=False)
        await expect(page.locator("#live-waiting")).to_contain_text("report-bot")
        await page.goto(console.url + "/approvals/req_1")
        await page.fill("#reason", "no")
        await page.click("button[value=reject]")
        await expect(page.locator("#live-decision")).to_contain_text("rejected")
        record = console.scene.store.requests.by_id("req_1")
        assert record is not None
        assert record.state is RequestState.REJECTED


async def test_keys_go_along_the_rows_and_to_the_search(tmp_path: Path) -> None:
    """j, k and slash; typed in a field they are letters."""
    async with served(tmp_path) as console:
        tell_morning(console.scene)
        page = await console.signed_in("operator")
        await page.goto(console.url + "/record")
        for key in "jjk":
            await page.keyboard.press(key)
        first = await page.locator("[data-row]").first.get_attribute("href")
        assert await page.evaluate("document.activeElement.getAttribute('href')") == first
        await page.keyboard.press("/")
        await page.keyboard.type("jk/")
        await expect(page.locator("[data-search]")).to_have_value("jk/")


async def test_no_page_is_wider_than_its_window(tmp_path: Path) -> None:
    """In both schemes, on a desk and on a phone, with a statement that has no place to break."""
    async with served(tmp_path) as console:
        tell_morning(console.scene)
        await ask(console, statement="select '" + "x" * 600 + "' from customers")
        for scheme, width in (("light", 1360), ("dark", 400)):
            page = await console.signed_in("operator", color_scheme=scheme, viewport={"width": width, "height": 800})
            for path in ("/", "/approvals", "/approvals/req_1", "/record", "/record/8", "/catalog"):
                await page.goto(console.url + path)
                overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                assert overflow <= 0, (path, width)


async def test_expired_session_returns_to_the_form_by_itself(tmp_path: Path) -> None:
    """A page left open must not look alive when its rights are gone: neither while it listens, nor when it comes back."""
    async with served(tmp_path) as console:
        page = await console.signed_in("ben")
        await expect(page.locator("#link-state")).to_be_hidden()
        await console.scene.office.principals.revoke(LOCAL, "ben")
        await page.wait_for_url("**/login*")
        away = await console.signed_in("eve")
        await away.evaluate("disconnect()")
        await console.scene.office.principals.revoke(LOCAL, "eve")
        await away.evaluate("connect()")
        await away.wait_for_url("**/login*")
