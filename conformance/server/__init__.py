"""The rules of servers, each a check that speaks to a server over HTTP and WebSocket only."""
