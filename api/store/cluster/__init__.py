"""The store on a RethinkDB cluster."""
