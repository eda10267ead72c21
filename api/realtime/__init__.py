"""The sockets of a node: their connections, commands and subscriptions."""
