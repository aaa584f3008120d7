"""One Chromium with a profile of its own. It is found again by that profile, and nobody else's browser is touched."""

import contextlib
import importlib.util
import logging
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DRIVER = ("chromedriver",)
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)
KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "XAUTHORITY")
"""What a browser gets of the environment; Rekku's own settings, keys and tokens are not among it."""
PAGE_LIMIT = 30.0
"""Seconds that a page may take to load."""


def missing() -> str:
    """What is not installed that a browser needs, in words; "" if all is there."""
    if importlib.util.find_spec("selenium") is None:
        return 'selenium is not installed (pip install "rekku[selenium_elevenlabs]")'
    if not _found(CHROMIUM):
        return "no Chromium is installed (Debian: apt install chromium)"
    if not _found(DRIVER):
        return "no ChromeDriver is installed (Debian: apt install chromium-driver)"
    return ""


@contextmanager
def opened(profile: Path, downloads: Path, *, headless: bool) -> Iterator["WebDriver"]:
    """A browser for the block, which downloads into a folder; it and all that it started are gone afterwards.

    Blocks; what an earlier one left behind is ended first.
    """
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    logging.getLogger("selenium").setLevel(logging.WARNING)  # at DEBUG it logs what is typed: passwords
    end(profile)
    options = webdriver.ChromeOptions()
    options.binary_location = _found(CHROMIUM)
    for flag in (*FLAGS, _profile_flag(profile), *(["--headless=new"] if headless else [])):
        options.add_argument(flag)
    if os.geteuid() == 0:  # Chromium's own sandbox does not work for root
        options.add_argument("--no-sandbox")
    options.add_experimental_option(
        "prefs", {"download.default_directory": str(downloads), "download.prompt_for_download": False}
    )
    environ = {name: os.environ[name] for name in KEPT if name in os.environ} | {"HOME": str(profile)}
    service = Service(_found(DRIVER), env=environ, log_output=subprocess.DEVNULL, popen_kw={"start_new_session": True})
    driver = None
    try:
        driver = webdriver.Chrome(options=options, service=service)
        driver.set_page_load_timeout(PAGE_LIMIT)
        driver.set_script_timeout(PAGE_LIMIT)
        yield driver
    finally:
        if driver is not None:
            with contextlib.suppress(Exception):  # it may be dead already; what is left is ended below
                driver.quit()
        with contextlib.suppress(Exception):  # the driver's own process, if the browser never came up
            service.stop()
        end(profile)


def end(profile: Path) -> int:
    """End every process that works on this profile; how many there were. Blocks for some milliseconds."""
    flag = _profile_flag(profile)
    found = [number for number, words in _processes() if flag in words]
    for number in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    for lock in ("SingletonLock", "SingletonSocket", "SingletonCookie"):
        (profile / lock).unlink(missing_ok=True)
    return len(found)


def _profile_flag(profile: Path) -> str:
    return f"--user-data-dir={profile}"


def _found(names: tuple[str, ...]) -> str:
    return next((path for name in names if (path := shutil.which(name))), "")


def _processes() -> Iterator[tuple[int, list[str]]]:
    """The number and the words of every process of this user that can be seen."""
    if Path("/proc/self/cmdline").exists():
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
                yield int(folder.name), [*words, *words[0].split(" ")]  # Chromium writes its words as one
        return
    listing = subprocess.run(["ps", "-axww", "-o", "pid=,command="], capture_output=True, text=True, check=False)
    for line in listing.stdout.splitlines():
        number, _, command = line.strip().partition(" ")
        yield int(number), command.split(" ")
