"""Where a shell lives: a clean environment, and bubblewrap around it where that works."""

import functools
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BASH = "/bin/bash"
PROBE_LIMIT = 10.0
FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
FILES_OF_ETC = (
    "alternatives",
    "ca-certificates",
    "group",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "passwd",
    "ssl",
    "terminfo",
)
NETWORK_FILES_OF_ETC = ("hosts", "resolv.conf")
UNSEEN = {"TERM": "dumb", "PAGER": "cat", "GIT_PAGER": "cat", "SYSTEMD_PAGER": "cat"}
SEEN = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Room:
    """Where shells run: their folder, and what is around them."""

    workspace: Path
    sandbox: bool
    network: bool

    def arguments(self, *bash: str) -> list[str]:
        """The command line of a shell with these arguments."""
        inside = [*_walls(self.workspace, self.network), "--"] if self.sandbox else []
        return [*inside, BASH, *bash]

    def environment(self, given: Mapping[str, str], *, screen: bool = False) -> dict[str, str]:
        """The whole environment of a shell; of Rekku's own only the locale and the time zone go in.

        `screen`: somebody looks at it, with colours and page by page.
        """
        kept = {name: given[name] for name in ("TZ", "LC_ALL", "LC_CTYPE") if given.get(name)}
        return {
            "PATH": PATH,
            "HOME": str(self.workspace),
            "PWD": str(self.workspace),
            "SHELL": BASH,
            "USER": given.get("USER", "rekku"),
            "LANG": given.get("LANG", "C.UTF-8"),
            **(SEEN if screen else UNSEEN),
            **kept,
        }


@functools.cache
def why_no_sandbox() -> str:
    """Why bubblewrap cannot be used here, in words for the operator; "" if it can. Blocks for some 20 ms, once."""
    program = shutil.which("bwrap")
    if program is None:
        return "bubblewrap is not installed (on Debian: apt install bubblewrap)"
    command = [*_walls(Path("/tmp"), network=False), "--", "/bin/true"]
    try:
        tried = subprocess.run(command, capture_output=True, timeout=PROBE_LIMIT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not work here ({error})"
    if tried.returncode == 0:
        return ""
    reason = tried.stderr.decode(errors="replace").strip()[:200] or f"status {tried.returncode}"
    return f"bubblewrap does not work here ({reason})"


def _walls(workspace: Path, network: bool) -> list[str]:
    files = (*FILES_OF_ETC, *(NETWORK_FILES_OF_ETC if network else ()))
    return [
        shutil.which("bwrap") or "bwrap",
        "--unshare-all",
        *(["--share-net"] if network else []),
        "--die-with-parent",
        *(part for folder in FOLDERS for part in _system_folder(folder)),
        *(part for name in files for part in ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")),
        *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),
        *("--bind", str(workspace), str(workspace), "--chdir", str(workspace)),
    ]


def _system_folder(folder: str) -> list[str]:
    if os.path.islink(folder):
        return ["--symlink", os.readlink(folder), folder]
    return ["--ro-bind-try", folder, folder]
