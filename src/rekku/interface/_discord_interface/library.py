"""discord.py, imported without its warnings about what it will not need: it is for text here, never for voice."""

import importlib
import logging
import warnings


def load() -> None:
    """Import the library; it takes a while, so call it in a thread."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its voice part imports `audioop`
        importlib.import_module("discord")
    logging.getLogger("discord.client").setLevel(logging.ERROR)  # warns that there will be no voice
    logging.getLogger("discord.http").setLevel(logging.ERROR)  # warns of each wait that Discord asks for
