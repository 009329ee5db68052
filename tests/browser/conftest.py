"""A real JupyterLab, a real kernel and a real Chromium for the tests in this folder.

Tests here are skipped, with the reason, where Playwright or Chromium is missing. A test reads::

    def test_the_button_says_hello(notebook, expect):
        page = notebook(["import ipywidgets as w", "w.Button(description='Hello')"])
        page.run()                                    # every cell; page.run(1) runs one
        expect(page.button("Hello")).to_be_visible()
        page.theme("dark")
        page.screenshot("hello-dark")

Fixtures
--------
``notebook(cells, *, width=1280, height=900, name="test.ipynb", server=lab)``
    Writes a notebook of these code cells, opens it in JupyterLab in a page of its own, waits until
    its kernel is idle, and returns a :class:`Notebook`. Call it twice for two notebooks. At the end
    of the test the kernel is shut down, and the test fails if the page raised an error or asked
    another host for anything. The theme is light to begin with.
``lab``
    The JupyterLab server (:class:`Lab`): ``lab.url``, and ``lab.folder``, where the notebooks lie.
    One for the whole session. Its kernels have ``OMP_NUM_THREADS=1`` and ``HF_HUB_OFFLINE=1``.
``notebook7``
    Notebook 7, in the same way: ``notebook(cells, server=notebook7)``.
``expect``
    Playwright's ``expect``, with a patience that suits a slow machine. It waits: never sleep.
``browser``
    Playwright's Chromium, one for each test module.

``Notebook`` has ``run``, ``cell``, ``output``, ``button``, ``wait_idle``, ``restart_kernel``,
``reload``, ``save``, ``theme``, ``screenshot``, and ``page``, the Playwright page itself.

Screenshots go to the folder that ``WORKBENCH_SCREENSHOTS`` names, else to the test's ``tmp_path``.
``WORKBENCH_CHROMIUM`` names a browser that is not on the path.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Lab, Notebook, write_notebook

PATIENCE = 60_000  # ms: generous, as a test that passes never waits this long
CHROMIUM_FLAGS = [
    "--no-sandbox",  # Chromium refuses to start as root with its sandbox
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


def _chromium() -> str | None:
    """Find Chromium on this machine."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    given = os.environ.get("WORKBENCH_CHROMIUM")
    return given or next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Start JupyterLab once for all browser tests."""
    yield from _serve(Lab(tmp_path_factory.mktemp("lab")))


@pytest.fixture(scope="session")
def notebook7(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Start Notebook 7, or skip where it is not installed."""
    pytest.importorskip("notebook", reason="Notebook 7 is not installed")
    yield from _serve(Lab(tmp_path_factory.mktemp("notebook7"), "notebook"))


def _serve(server: Lab) -> Iterator[Lab]:
    try:
        server.wait()
        yield server
    finally:
        server.stop()


# Not for the session: Playwright keeps an event loop running in this thread while it lives, and
# tests elsewhere, which come next in a random order, may want to start their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Chromium, or skip with the reason."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = _chromium()
    if path is None:
        pytest.skip("no Chromium on this machine: install your system's chromium package")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path, headless=True, args=CHROMIUM_FLAGS
        )
        yield chromium
        chromium.close()


@pytest.fixture
def expect(browser: Any) -> Any:
    """Playwright's assertions, which wait for what they assert."""
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE)
    return expect


@pytest.fixture
def notebook(browser: Any, lab: Lab, tmp_path: Path) -> Iterator[Callable[..., Notebook]]:
    """Open notebooks made of the given cells."""
    opened: list[Notebook] = []
    screenshots = Path(os.environ.get("WORKBENCH_SCREENSHOTS") or tmp_path)
    screenshots.mkdir(parents=True, exist_ok=True)

    def open_notebook(
        cells: list[str],
        *,
        width: int = 1280,
        height: int = 900,
        name: str = "test.ipynb",
        server: Lab = lab,
    ) -> Notebook:
        write_notebook(server.folder / name, cells)
        context = browser.new_context(viewport={"width": width, "height": height})
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        book = Notebook(page, server, name, screenshots)
        opened.append(book)
        book.open()
        book.theme("light")
        return book

    yield open_notebook
    for book in opened:
        book.close()
    assert not [error for book in opened for error in book.errors], "errors in the page"
    assert not [url for book in opened for url in book.foreign], "requests to other hosts"
