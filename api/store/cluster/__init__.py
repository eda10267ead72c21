"""The store on a RethinkDB cluster: each noun of `base/` in its file, and the machinery they share."""
