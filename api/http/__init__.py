"""What all HTTP requests share."""
