"""The settings of the web page, and what follows from them."""

import ipaddress
import re
import socket
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from rekku.core.errors import ConfigError
from rekku.core.settings import Setting

SWITCH = Setting("WEBUI", "Whether Rekku has a web page.", bool, True)
SETTINGS = (
    SWITCH,
    Setting("WEBUI_HOST", "The address that the web page listens at.", default="127.0.0.1"),
    Setting("WEBUI_PORT", "The port of the web page; 0 for any free one.", int, 8000, minimum=0, maximum=65535),
    Setting("WEBUI_PASSWORD", "Your password for the web page; usually you set it there instead.", secret=True),
    Setting("WEBUI_URLS", "Where a proxy of yours makes the page known, as https://rekku.example.org.", list, ()),
    Setting("WEBUI_GUESTS", "Whether strangers may talk with Rekku on the web page, as unknown people.", bool, False),
)
NEIGHBOURS = 20
"""How many ports after a taken one are tried."""


def switched_off(given: Mapping[str, str]) -> Sequence[str]:
    """What to set to have the page, if it is switched off."""
    text = given.get(SWITCH.name, "")
    return [f"{SWITCH.name}=on"] if text.strip() and not SWITCH.parse(text) else []


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def names(persona: str, urls: Sequence[str]) -> Sequence[str]:
    """Words that whoever knows this Rekku would try first: its names, the machine's, the proxy's."""
    known = ("rekku", "webui", persona, socket.gethostname(), *urls)
    return sorted(
        {word for name in known for word in (name.lower(), *re.findall(r"\w+", name.lower())) if len(word) > 2}
    )


def origins(urls: Sequence[str]) -> frozenset[str]:
    """The origins (`https://host`) of some addresses. Raises ConfigError for one that is none."""
    found = set()
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise ConfigError(f"WEBUI_URLS holds {url!r}; an address there looks like https://rekku.example.org.")
        found.add(f"{parts.scheme}://{parts.netloc}".lower())
    return frozenset(found)
