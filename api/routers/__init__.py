"""The HTTP and WebSocket surface, one file a noun."""
