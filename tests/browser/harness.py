"""JupyterLab and its pages, as the browser tests drive them."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

# What JupyterLab itself throws when a kernel ends while a question to it is open.
KERNEL_ENDED = re.compile(r"Canceled future for \w+ message before replies were done")
# What Notebook 7 itself throws on each page, also on one without a panel: its settings are read too early.
NOTEBOOK_7 = re.compile(r"reading 'schema'.*/static/notebook/notebook_core\.", re.DOTALL)


class Lab:
    """A JupyterLab server on a free loopback port, with folders of its own.

    Parameters
    ----------
    home : Path
        An empty folder for its notebooks, settings and log.
    application : {"lab", "notebook"}
        JupyterLab, or Notebook 7.
    """

    def __init__(self, home: Path, application: str = "lab"):
        self.page = {"lab": "doc/tree", "notebook": "notebooks"}[application]
        self.folder = home / "notebooks"
        self.log = home / "jupyterlab.log"
        settings = home / "settings"
        self.folder.mkdir()
        self._write_settings(settings)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        environment = os.environ | {
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(settings),
            "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
            "IPYTHONDIR": str(home / "ipython"),
            "OMP_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
            "HF_HUB_OFFLINE": "1",
        }
        module, name = {
            "lab": ("jupyterlab", "LabApp"),
            "notebook": ("notebook", "JupyterNotebookApp"),
        }[application]
        command = [
            *(sys.executable, "-m", module, "--no-browser", "--allow-root"),
            *("--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"),
            *("--IdentityProvider.token=", f"--ServerApp.root_dir={self.folder}"),
            *(f"--{name}.expose_app_in_browser=True", "--LabApp.extension_manager=readonly"),
        ]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=home
            )

    @staticmethod
    def _write_settings(folder: Path) -> None:
        """Turn off the pop-ups that would lie over a screenshot."""
        notification = folder / "@jupyterlab/apputils-extension/notification.jupyterlab-settings"
        notification.parent.mkdir(parents=True)
        notification.write_text(
            json.dumps({"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True})
        )

    def wait(self, seconds: float = 90) -> None:
        """Return once the server answers."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.url}/api/status", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text()[-3000:]}")

    def stop(self) -> None:
        """End the server and, with it, its kernels."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Notebook:
    """One notebook, open in a page of its own.

    Parameters
    ----------
    page : playwright.sync_api.Page
    lab : Lab
    name : str
        The notebook's file in the lab's folder.
    screenshots : Path
        Where :meth:`screenshot` writes.
    """

    def __init__(self, page: Any, lab: Lab, name: str, screenshots: Path):
        self.page, self.lab, self.name, self.screenshots = page, lab, name, screenshots
        self.errors: list[str] = []
        self.foreign: list[str] = []
        page.on("pageerror", lambda error: self._note_error(error.stack or str(error)))
        page.on("request", lambda request: self._note_host(request.url))
        page.on("websocket", lambda websocket: self._note_host(websocket.url))

    def _note_error(self, error: str) -> None:
        if not (KERNEL_ENDED.search(error) or NOTEBOOK_7.search(error)):
            self.errors.append(error)

    def _note_host(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.netloc != urlsplit(self.lab.url).netloc:
            self.foreign.append(url)

    def open(self) -> None:
        """Open the page, or open it again, and wait until its kernel is idle."""
        self.page.goto(f"{self.lab.url}/{self.lab.page}/{quote(self.name)}", wait_until="commit")
        self.page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for()
        self.wait_idle()

    def reload(self) -> None:
        """Reload the page as a person would; the kernel lives on."""
        self.open()

    def wait_idle(self) -> None:
        """Wait until the kernel is connected and has nothing to do."""
        self.page.wait_for_function(
            """() => {
              const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
              const kernel = context?.session?.kernel;
              return context?.isReady && kernel?.connectionStatus === 'connected'
                && kernel.status === 'idle';
            }"""
        )

    def run(self, *indices: int) -> None:
        """Run these cells, or all of them, without waiting for them to end."""
        cells = indices or range(self.page.locator(".jp-NotebookPanel .jp-Cell").count())
        for index in cells:
            # Not awaited: a cell that trains would hold the test up.
            self.page.evaluate(
                """index => {
                  jupyterapp.shell.currentWidget.content.activeCellIndex = index;
                  void jupyterapp.commands.execute('notebook:run-cell');
                }""",
                index,
            )

    def append_cell(self, code: str) -> int:
        """Add a cell at the end of the notebook and return its index."""
        return self.page.evaluate(
            """code => {
              const notebook = jupyterapp.shell.currentWidget.content;
              notebook.model.sharedModel.addCell({cell_type: 'code', source: code});
              return notebook.model.cells.length - 1;
            }""",
            code,
        )

    def cell(self, index: int) -> Any:
        """Locate a cell."""
        return self.page.locator(f".jp-NotebookPanel .jp-Cell[data-windowed-list-index='{index}']")

    def output(self, index: int) -> Any:
        """Locate what a cell has put out."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def button(self, name: str | re.Pattern[str]) -> Any:
        """Locate a button by its whole accessible name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def pick_technique(self, words: str, label: str = "Technique") -> None:
        """Open a picker of techniques and pick the best match for some words."""
        self.page.get_by_label(label, exact=True).click()
        search = self.page.get_by_role("combobox", name="Search techniques", expanded=True)
        search.fill(words)
        search.press("Enter")

    def restart_kernel(self) -> None:
        """Restart the kernel, as the menu does after its question is answered."""
        self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
        self.wait_idle()

    def save(self) -> dict[str, Any]:
        """Save the notebook and return what is on disk."""
        self.page.evaluate("() => jupyterapp.shell.currentWidget.context.save()")
        return json.loads((self.lab.folder / self.name).read_text())

    def theme(self, name: str) -> None:
        """Switch JupyterLab to its ``"light"`` or ``"dark"`` theme."""
        full = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}[name]
        self.page.evaluate(
            "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", full
        )
        light = json.dumps(name == "light")
        self.page.locator(f"body[data-jp-theme-light={light}]").wait_for(state="attached")
        # JupyterLab fades its splash screen out, and trips over it if the theme changes meanwhile.
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def screenshot(self, name: str, of: Any = None) -> Path:
        """Take a picture of the page, or of one locator, and return its path."""
        path = self.screenshots / f"{name}.png"
        (of or self.page).screenshot(path=path, animations="disabled")
        return path

    def close(self) -> None:
        """Shut the kernel down and leave nothing behind."""
        self.page.evaluate("() => jupyterapp.shell.currentWidget?.sessionContext.shutdown()")
        self.page.context.close()


def write_notebook(path: Path, cells: list[str]) -> None:
    """Write code cells as a notebook for the kernel that runs the tests."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    body = [
        {
            "cell_type": "code",
            "id": f"cell-{index}",
            "source": source,
            "metadata": {},
            "execution_count": None,
            "outputs": [],
        }
        for index, source in enumerate(cells)
    ]
    path.write_text(
        json.dumps(
            {"cells": body, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
        )
    )
