"""Makes the pictures in docs/images from a running demo: pages of the console, and the tour as a terminal shows it.

    .venv/bin/python scripts/screenshots.py

Needs what ``make test`` needs: psql and Chromium. Everything it starts is ended and removed.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
DOORWARD = str(Path(sys.executable).with_name("doorward"))
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
COLUMNS = 100


def wait_for(path: Path, seconds: float = 90) -> dict[str, Any]:
    """The JSON in *path*, once it is there."""
    deadline = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(str(path))
        time.sleep(0.1)
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@contextlib.contextmanager
def demo(directory: Path) -> Iterator[dict[str, Any]]:
    """A running demo; what it wrote about itself."""
    process = subprocess.Popen([DOORWARD, "demo", "--data-dir", str(directory), "--port", "0"], stdout=subprocess.DEVNULL)
    try:
        state = wait_for(directory / "run" / "state.json")
        time.sleep(3)  # people are added once it answers
        yield state
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def call(state: dict[str, Any], token: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the API as the local operator."""
    request = urllib.request.Request(f"{state['console']}/api/v1{path}", json.dumps(body).encode() if body else None)
    request.add_header("Authorization", f"Bearer {token}")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def psql(state: dict[str, Any], name: str, secret: str, *statements: str) -> subprocess.Popen[bytes]:
    """psql as *name*, started."""
    target = f"host=127.0.0.1 port={state['port']} dbname={state['database']} user={name} application_name=psql"
    arguments = [argument for statement in statements for argument in ("-c", statement)]
    environment = {**os.environ, "PGPASSWORD": secret}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(["psql", "-X", target, *arguments], env=environment, **quiet)


def shoot_console(browser: Browser, directory: Path) -> None:
    """Now, an approval, the record and the catalog, while things happen."""
    with demo(directory) as state:
        token = (directory / "run" / "operator.token").read_text().strip()
        secret = {
            name: call(state, token, "/secrets", {"principal": name, "hours": 1, "purpose": "pictures"})["secret"]
            for name in ("alice", "bob", "report-bot", "nightly-etl")
        }
        psql(state, "alice", secret["alice"], "SELECT * FROM customers LIMIT 50", "DROP TABLE orders").wait(20)
        psql(
            state, "report-bot", secret["report-bot"], "SELECT email, city FROM customers LIMIT 200", "DELETE FROM orders"
        ).wait(20)
        psql(state, "nightly-etl", secret["nightly-etl"], "UPDATE orders SET status = status WHERE id = 7").wait(20)
        idle = psql(state, "report-bot", secret["report-bot"], "SELECT count(*) FROM orders, pg_sleep(30)")
        held = psql(state, "alice", secret["alice"], "ALTER TABLE customers ADD COLUMN referral_code text")
        try:
            deadline = time.monotonic() + 30
            while not call(state, token, "/requests?state=pending") and time.monotonic() < deadline:
                time.sleep(0.2)
            time.sleep(1)  # for what the page hears of a moment later
            page = browser.new_page(viewport={"width": 1280, "height": 860}, device_scale_factor=1.5)
            page.goto(f"{state['console']}/login")
            page.fill("input[name=name]", "bob")
            page.fill("input[name=secret]", secret["bob"])
            page.click("main button")
            shoot(page, f"{state['console']}/approvals", "approvals")
            page.click("a[href*='/approvals/req_']")
            page.wait_for_load_state("load")
            page.screenshot(path=IMAGES / "approval.png")
            page.close()
            operator = browser.new_page(viewport={"width": 1280, "height": 860}, device_scale_factor=1.5)
            operator.goto(f"{state['console']}/login")
            operator.fill("input[name=name]", "operator")
            operator.fill("input[name=secret]", token)
            operator.click("main button")
            shoot(operator, state["console"] + "/", "now")
            shoot(operator, f"{state['console']}/record", "record")
            shoot(operator, f"{state['console']}/catalog", "catalog")
            operator.close()
        finally:
            for process in (idle, held):
                process.terminate()
                process.wait(10)


def shoot(page: Page, url: str, name: str) -> None:
    """One page into one file."""
    page.goto(url)
    page.wait_for_load_state("load")
    time.sleep(0.5)
    page.screenshot(path=IMAGES / f"{name}.png")


def tour_output() -> str:
    """What the tour prints on a terminal, colours included."""
    master, slave = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "LINES": "60", "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [DOORWARD, "demo", "--tour", "--exit", "--port", "0"], stdout=slave, stderr=slave, env=environment
    )
    os.close(slave)
    output = b""
    while True:
        ready, _, _ = select.select([master], [], [], 120)
        try:
            chunk = os.read(master, 65536) if ready else b""
        except OSError:
            chunk = b""
        if not chunk:
            break
        output += chunk
    if process.wait(60) != 0:
        raise RuntimeError("the tour did not hold")
    return output.decode(errors="replace")


def shoot_terminal(browser: Browser) -> None:
    """The first and the fourth step of the tour."""
    # Progress bars rewrite their line: only what was left standing counts.
    lines = [line.rpartition("\r")[2] for line in tour_output().replace("\r\n", "\n").split("\n")]
    steps = [number for number, line in enumerate(lines) if re.search(r"\d/7 ", re.sub(r"\x1b\[[0-9;]*m", "", line))]
    for name, first, last in (("tour-masking", steps[0], steps[2] - 2), ("tour-approval", steps[3], steps[4] - 2)):
        console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
        for line in lines[first:last]:
            console.print(Text.from_ansi(line), soft_wrap=True)
        page = browser.new_page(viewport={"width": 940, "height": 200}, device_scale_factor=1.5)
        page.set_content(console.export_html(code_format=TERMINAL, theme=NIGHT))
        page.screenshot(path=IMAGES / f"{name}.png", full_page=True)
        page.close()


NIGHT_COOL = ((110, 160, 250), (198, 140, 230), (86, 194, 206), (171, 178, 191))
NIGHT_BRIGHT = ((140, 185, 255), (215, 165, 245), (110, 215, 225), (240, 242, 246))
NIGHT = TerminalTheme(
    (22, 24, 29),
    (215, 218, 224),
    [*((22, 24, 29), (224, 108, 117), (126, 200, 120), (229, 192, 123)), *NIGHT_COOL],
    [*((110, 118, 132), (240, 128, 136), (150, 220, 140), (245, 210, 140)), *NIGHT_BRIGHT],
)

TERMINAL = """<!doctype html><meta charset="utf-8"><style>{stylesheet}
body {{ background: #16181d; color: #d7dae0; margin: 0; padding: 18px 22px; }}
pre {{ font: 14px/1.4 "DejaVu Sans Mono", monospace; margin: 0; }}</style><pre><code>{code}</code></pre>"""


def main() -> None:
    """Make all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)  # the database's account must be able to pass through
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS)
        shoot_console(browser, Path(directory) / "demo")
        shoot_terminal(browser)
        browser.close()
    for image in sorted(IMAGES.glob("*.png")):
        print(f"{image.relative_to(ROOT)}  {image.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
