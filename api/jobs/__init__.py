"""What a node does in the background."""
