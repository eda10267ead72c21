"""The search index: a projection of the rooms' logs in a file of its own, which can be thrown away and made again."""
