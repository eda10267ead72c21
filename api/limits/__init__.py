"""The limits of a node: how often, how much at once, how many, and how much memory."""
