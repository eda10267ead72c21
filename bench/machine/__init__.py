"""The machine, and the processes, databases and load on it."""
