"""What a node does in the background, whoever is connected."""
