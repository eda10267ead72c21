"""The suites: one kind of work in each file."""
