"""The services of rooms, which HTTP and sockets share: policy, members and messages."""
