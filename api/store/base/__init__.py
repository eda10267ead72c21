"""What a store promises, one noun per file."""
