"""The rules of clients, each a scenario in which a client's program meets the scripted server."""
