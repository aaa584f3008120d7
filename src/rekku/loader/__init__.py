"""Finds, imports, builds, swaps and unloads the files of components."""

from rekku.loader.build import Live, MakeHost
from rekku.loader.live import watch
from rekku.loader.loader import Loader
from rekku.loader.report import FileReport, Unconfigured

__all__ = ["FileReport", "Live", "Loader", "MakeHost", "Unconfigured", "watch"]
