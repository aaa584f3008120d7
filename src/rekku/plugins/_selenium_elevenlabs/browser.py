"""One Chromium with a profile of its own. It is found again by that profile, and nobody else's browser is touched."""

import contextlib
import importlib.util
import logging
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rekku.core.settings import Settings

if TYPE_CHECKING:
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.webdriver import WebDriver

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DRIVER = ("chromedriver",)
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",  # in a container /dev/shm may be too small for it
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--password-store=basic",  # not the desktop's keyring, which a service cannot open
    "--disk-cache-size=50000000",
    "--window-size=1280,900",
)
PREFERENCES = {"download.prompt_for_download": False, "credentials_enable_service": False}
KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "XAUTHORITY")
"""What a browser gets of the environment; Rekku's own settings, keys and tokens are not among it."""
PAGE_LIMIT = 30.0
"""Seconds that a page may take to load, and a script in it to run."""
GONE = 5.0
"""Seconds until a process that was killed must have ended."""
SINGLETONS = ("SingletonLock", "SingletonSocket", "SingletonCookie")
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Programs:
    """The two programs that it takes, as paths; "" for one that is not installed."""

    chromium: str
    driver: str

    @classmethod
    def of(cls, settings: Settings) -> "Programs":
        """Those that the settings name, else those that are in the PATH."""
        chromium, driver = settings["REKKU_SELENIUM_CHROMIUM"], settings["REKKU_SELENIUM_DRIVER"]
        return cls(_found((chromium,) if chromium else CHROMIUM), _found((driver,) if driver else DRIVER))

    def missing(self) -> str:
        """What is not installed that a browser needs, in words; "" if all is there."""
        if importlib.util.find_spec("selenium") is None:
            return 'selenium is not installed (pip install "rekku[selenium_elevenlabs]")'
        if not self.chromium:
            return "no Chromium is found (Debian: apt install chromium; elsewhere set REKKU_SELENIUM_CHROMIUM)"
        if not self.driver:
            return "no ChromeDriver is found (Debian: apt install chromium-driver; elsewhere set REKKU_SELENIUM_DRIVER)"
        return ""


@contextmanager
def opened(
    programs: Programs, profile: Path, downloads: Path, *, headless: bool, limit: float
) -> Iterator["WebDriver"]:
    """A browser for the block, which downloads into a folder; it and all that it started are gone afterwards.

    Blocks; what an earlier one left behind is ended first. After `limit` seconds everything is killed, so that no call
    of the driver waits longer than that.
    """
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    logging.getLogger("selenium").setLevel(logging.WARNING)  # at DEBUG it logs what is typed: passwords
    os.environ["SE_OFFLINE"] = "true"  # selenium would fetch a driver by itself
    end(profile)
    environ = {name: os.environ[name] for name in KEPT if name in os.environ} | {"HOME": str(profile)}
    service = Service(
        programs.driver,
        service_args=[_flag(profile)],  # means nothing to the driver; it is found by it
        env=environ,
        log_output=subprocess.DEVNULL,
        popen_kw={"start_new_session": True},
    )
    watchdog = threading.Timer(limit, end, (profile,))
    watchdog.daemon = True
    watchdog.start()
    driver = None
    try:
        driver = webdriver.Chrome(options=_options(programs, profile, downloads, headless), service=service)
        driver.set_page_load_timeout(PAGE_LIMIT)
        driver.set_script_timeout(PAGE_LIMIT)
        yield driver
    finally:
        if driver is not None:
            _close(driver)
        watchdog.cancel()
        watchdog.join()
        end(profile)
        _reap(getattr(service, "process", None))  # it has none if it could not be started


def failures() -> tuple[type[Exception], ...]:
    """What the driver raises when the browser, or the driver itself, does not do what it should or is gone."""
    from selenium.common.exceptions import WebDriverException
    from urllib3.exceptions import HTTPError

    return WebDriverException, HTTPError, OSError


def check(driver: "WebDriver") -> None:
    """Raises one of `failures` if the driver's process has ended: calling it would be tried again and again."""
    driver.service.assert_process_still_running()


def _close(driver: "WebDriver") -> None:
    """Let the browser close itself: only then it keeps its last cookies. It may be gone already."""
    from selenium.webdriver.remote.command import Command

    with contextlib.suppress(*failures()):
        check(driver)
        driver.execute(Command.QUIT)
    connection: Any = driver.command_executor
    connection.close()


def _options(programs: Programs, profile: Path, downloads: Path, headless: bool) -> "Options":
    from selenium.webdriver.chrome.options import Options

    options = Options()
    options.binary_location = programs.chromium
    for flag in (*FLAGS, _flag(profile), *(["--headless=new"] if headless else [])):
        options.add_argument(flag)
    if os.geteuid() == 0:  # Chromium's own sandbox does not work for root
        options.add_argument("--no-sandbox")
    options.add_experimental_option("prefs", {**PREFERENCES, "download.default_directory": str(downloads)})
    options.unhandled_prompt_behavior = "dismiss"
    return options


def end(profile: Path) -> int:
    """End every process that works on this profile, and wait until they have; how many there were.

    Blocks for some milliseconds.
    """
    ended: set[int] = set()
    until = time.monotonic() + GONE
    while (found := processes(profile)) and time.monotonic() < until:
        for number in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)
        ended.update(found)
        time.sleep(0.01)  # there is nothing to wait on: most of them are nobody's children any more
    for lock in SINGLETONS:
        (profile / lock).unlink(missing_ok=True)
    return len(ended)


def processes(profile: Path) -> list[int]:
    """The processes that work on this profile: those that say so in their command, and those whose home it is."""
    flag, home = f" {_flag(profile)} ", f"HOME={profile}"
    return [number for number, command, environ in _all_processes() if flag in f" {command} " or home in environ]


def _flag(profile: Path) -> str:
    return f"--user-data-dir={profile}"


def _found(names: tuple[str, ...]) -> str:
    return next((path for name in names if (path := shutil.which(name))), "")


def _reap(process: "subprocess.Popen[bytes] | None") -> None:
    """Take note of the driver's end, so that nothing of it is left in the list of processes."""
    if process is None:
        return
    if process.stdin is not None:
        process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GONE)


def _all_processes() -> Iterator[tuple[int, str, list[str]]]:
    """The number, the command and (where that can be seen) the environment of every living process of this user."""
    if not (PROC / "self" / "cmdline").exists():
        command = ["ps", "-xww", "-U", str(os.geteuid()), "-o", "pid=,command="]
        listing = subprocess.run(command, capture_output=True, text=True, check=False, timeout=GONE)
        for line in listing.stdout.splitlines():
            number, _, words = line.strip().partition(" ")
            yield int(number), words, []
        return
    for folder in PROC.glob("[0-9]*"):
        try:
            if f"Uid:\t{os.geteuid()}\t" in (folder / "status").read_text(errors="replace"):
                yield int(folder.name), " ".join(_words(folder / "cmdline")), _words(folder / "environ")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile


def _words(file: Path) -> list[str]:
    """What the kernel tells with a null after each word; nothing if it may not be read."""
    with contextlib.suppress(PermissionError):
        return file.read_bytes().decode("utf-8", "replace").split("\0")
    return []
