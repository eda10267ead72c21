"""The doors of HTTP and WebSocket, one noun a file: each parses, calls one service and answers."""
