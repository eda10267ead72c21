"""Keeps everything on a RethinkDB cluster: a file for each noun of `base/`, and the machinery that they share."""
