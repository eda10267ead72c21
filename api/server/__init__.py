"""Uvicorn with bounds on the time, size and memory of requests and sockets."""
