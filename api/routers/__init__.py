"""The routes of HTTP and WebSocket, one noun to a file. Each parses, calls one service and answers."""
