"""The machine that measures, and the processes, databases and load that run on it."""
