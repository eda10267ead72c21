"""The store in one SQLite file on this machine."""
