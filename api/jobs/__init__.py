"""Background jobs, which every node runs independently of its connections."""
