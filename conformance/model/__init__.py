"""A small server that follows docs/protocol.md, and breaks where a scenario tells it to."""
