"""The store in one SQLite file on this machine: each noun of `base/` in its file, and the machinery they share."""
