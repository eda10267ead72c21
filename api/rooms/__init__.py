"""What members may do in a room, and how it is done, for every door."""
