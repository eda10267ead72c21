"""The services of accounts and sessions, which HTTP, sockets and the command line share."""
