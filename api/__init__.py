"""Tailwire: a self-hosted realtime messaging server."""

__version__ = "0.1.0"
