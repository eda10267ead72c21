"""Keeps everything in one SQLite file: a file for each noun of `base/`, and the machinery that they share."""
