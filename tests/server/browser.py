"""A headless Chromium, driven by WebDriver (https://www.w3.org/TR/webdriver2/), which is JSON over HTTP."""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ENTER, ESCAPE, TAB = "\ue007", "\ue00c", "\ue004"
LEFT, UP, RIGHT, DOWN, END, HOME = "\ue012", "\ue013", "\ue014", "\ue015", "\ue010", "\ue011"
SECONDS = 60


def missing() -> str:
    """The message that a program is not installed, or an empty string."""
    programs = {"chromium": chromium(), "chromedriver": shutil.which("chromedriver")}
    return next((f"{name} is not installed" for name, path in programs.items() if path is None), "")


def chromium() -> str | None:
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


class Browser:
    """One window with an empty profile in `folder`."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self._driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS)
        self._session = ""
        try:
            self._until_ready()
            options = {"binary": chromium(), "args": [*FLAGS, f"--user-data-dir={folder}", "--window-size=1280,900"]}
            capabilities = {
                "browserName": "chrome",
                "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL"},
            }
            body = {"capabilities": {"alwaysMatch": capabilities}}
            session = self._http.post("/session", json=body).json()["value"]
            self._session = f"/session/{session['sessionId']}"
        except BaseException:
            self.close()
            raise

    def _until_ready(self) -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            try:
                if self._http.get("/status").json()["value"]["ready"]:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise TimeoutError("chromedriver does not answer")

    def send(self, path: str, **body: Any) -> Any:
        answer = self._http.post(f"{self._session}{path}", json=body)
        value = answer.json()["value"]
        assert answer.is_success, value["message"]
        return value

    def devtools(self, command: str, **params: Any) -> Any:
        return self.send("/goog/cdp/execute", cmd=command, params=params)

    def look(self, *, width: int = 1280, height: int = 900, dark: bool = False, still: bool = False) -> None:
        """Set the size of the page, the theme, and the preference for reduced motion."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        features = {"prefers-color-scheme": "dark" if dark else "light"}
        features["prefers-reduced-motion"] = "reduce" if still else "no-preference"
        self.devtools(
            "Emulation.setEmulatedMedia", features=[{"name": name, "value": value} for name, value in features.items()]
        )

    def open(self, url: str) -> None:
        """Load the page by way of an empty page, so that a changed fragment loads again."""
        self.send("/url", url="about:blank")
        self.send("/url", url=url)

    def run(self, script: str, *values: Any) -> Any:
        return self.send("/execute/sync", script=script, args=list(values))

    def until(self, condition: str, *values: Any) -> Any:
        """Wait until the expression is true, and return its value."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            if value := self.run(f"return ({condition})", *values):
                return value
            time.sleep(0.02)
        raise TimeoutError(f"never true: {condition}")

    def press(self, *keys: str) -> None:
        """Type the texts and keys in turn."""
        actions = [{"type": kind, "value": key} for text in keys for key in text for kind in ("keyDown", "keyUp")]
        self.send("/actions", actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def text(self, selector: str) -> str:
        return self.run("return document.querySelector(arguments[0]).textContent", selector)

    def texts(self, selector: str) -> list[str]:
        return self.run("return [...document.querySelectorAll(arguments[0])].map((node) => node.textContent)", selector)

    def complaints(self) -> list[str]:
        """The lines of the console since the last call."""
        return [line["message"] for line in self.send("/se/log", type="browser")]

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.devtools("Page.captureScreenshot", format="png")["data"]))

    def close(self) -> None:
        try:
            if self._session:
                self._http.delete(self._session)
        finally:
            self._http.close()
            self._driver.terminate()
            self._driver.wait(SECONDS)
