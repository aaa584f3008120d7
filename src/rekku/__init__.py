"""Rekku: a self-hosted AI persona that talks where you chat, and acts."""

__version__ = "0.1.0"
