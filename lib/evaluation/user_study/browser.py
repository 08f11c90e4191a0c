"""A browser without a window, for the page's tests and for pictures of the page.

Drives Debian's (or anybody's) Chromium or Chrome through Selenium; needs both the browser and its driver
on the PATH, or named by ``MSGSARL_CHROMIUM`` and ``MSGSARL_CHROMEDRIVER``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from lib.base.errors import StudyError

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Nothing may leave the machine, ask a question or wait for a graphics card.
_ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
              "--disable-background-networking", "--disable-component-update", "--disable-sync",
              "--disable-dev-shm-usage", "--hide-scrollbars", "--force-device-scale-factor=1")


def find() -> tuple[str, str] | None:
    """Return the paths of a browser and of its driver, or None."""
    browser = os.environ.get("MSGSARL_CHROMIUM") or next(filter(None, map(shutil.which, _BROWSERS)), None)
    driver = os.environ.get("MSGSARL_CHROMEDRIVER") or shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


@contextlib.contextmanager
def open_browser(width: int = 1280, height: int = 800, downloads: Path | None = None,
                 arguments: Sequence[str] = ()) -> Iterator:
    """Yield a Selenium driver with an empty profile and the given inner window size, and end it afterwards.

    downloads: folder that receives what the page saves.  arguments: more of the browser's own.
    Raises StudyError when there is no browser.
    """
    found = find()
    if found is None:
        raise StudyError("No Chromium with chromedriver on this machine. Debian and Ubuntu: "
                         "`apt-get install chromium chromium-driver`; or run tests/install_browser.sh.")
    try:
        from selenium import webdriver
    except ImportError:
        raise StudyError("Selenium is not installed: `pip install -r requirements.txt`.") from None

    with tempfile.TemporaryDirectory(prefix="study-browser-", ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = found[0]
        for argument in (*_ARGUMENTS, *arguments, f"--user-data-dir={profile}"):
            options.add_argument(argument)
        if downloads is not None:
            options.add_experimental_option("prefs", {
                "download.default_directory": str(downloads), "download.prompt_for_download": False})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        try:
            driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(found[1]))
        except Exception as error:  # Selenium's own errors and those of a browser that does not start
            raise StudyError(f"{found[0]} does not start: {str(error).splitlines()[0]}") from None
        try:
            resize(driver, width, height)
            yield driver
        finally:
            driver.quit()


def resize(driver, width: int, height: int) -> None:
    """Give the page exactly ``width`` × ``height`` CSS pixels, below what a window could be (phones)."""
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                           {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 760})
