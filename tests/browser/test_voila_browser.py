"""The bench as an application of its own, in Voila: it shows, it keeps its keys, and it trains."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from urllib.parse import urlsplit

import pytest
from harness import write_notebook

BENCH = """\
import workbench as wb
short = dict(max_length=64, max_train_samples=320, max_eval_samples=32, max_steps=20, eval_steps=20)
wb.Bench(wb.Recipe(**short))"""
# Voila's own page asks for its symbols there, and says so in its settings.
VOILA_ICONS = "cdn.jsdelivr.net/npm/@fortawesome"


@pytest.fixture
def address(tmp_path):
    """Serve a notebook with a bench, and return its address."""
    pytest.importorskip("voila", reason="Voila is not installed")
    write_notebook(tmp_path / "bench.ipynb", [BENCH])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folders = {
        f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")
    }
    command = [*(sys.executable, "-m", "voila", "--no-browser", f"--port={port}"), str(tmp_path)]
    with (tmp_path / "voila.log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=tmp_path, env=os.environ | folders, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, server)
        yield f"{url}/voila/render/bench.ipynb"
    finally:
        server.terminate()
        server.wait(20)


def _wait(url, server):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("Voila did not start")


@pytest.mark.slow
def test_it_shows_keeps_its_keys_and_trains(browser, expect, address):
    page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
    errors, foreign = [], []
    host = urlsplit(address).netloc
    page.on("pageerror", lambda error: errors.append(error.stack))
    page.on("request", lambda request: foreign.append(request.url))
    page.goto(address)
    expect(page.locator(".wb-trainable b")).to_be_visible()
    rank = page.get_by_role("textbox", name="r", exact=True)
    page.locator(".wb-with-slider .noUi-handle").first.focus()
    page.keyboard.press("ArrowRight")
    expect(rank).to_have_value("9")
    technique = page.get_by_label("Technique", exact=True)
    technique.focus()
    page.keyboard.type("pro")
    page.keyboard.press("Enter")
    expect(technique).to_contain_text("Prompt tuning")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator(".wb-run .wb-state")).to_have_text(re.compile("^finished"))
    page.locator("canvas[tabindex]").first.focus()
    page.keyboard.press("End")
    expect(page.locator(".workbench-chart-tip strong").first).to_have_text("step 20")
    assert errors == []
    assert [
        url for url in foreign if urlsplit(url).netloc not in ("", host) and VOILA_ICONS not in url
    ] == []
    page.context.close()
