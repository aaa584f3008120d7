"""Logging for drop-in files, under the names that the document promises.

`log_info("It rained.")` logs under the name of the module that called it.
"""

import logging
import sys


def _logger() -> logging.Logger:
    return logging.getLogger(sys._getframe(2).f_globals.get("__name__", "rekku"))


def log_debug(message: str, *args: object) -> None:
    """Log what only a developer wants to read."""
    _logger().debug(message, *args, stacklevel=2)


def log_info(message: str, *args: object) -> None:
    """Log what the owner may want to read."""
    _logger().info(message, *args, stacklevel=2)


def log_warning(message: str, *args: object) -> None:
    """Log what the owner should look at."""
    _logger().warning(message, *args, stacklevel=2)


def log_error(message: str, *args: object) -> None:
    """Log what went wrong; inside an `except` block the traceback comes along."""
    _logger().error(message, *args, stacklevel=2, exc_info=sys.exc_info()[0] is not None)
