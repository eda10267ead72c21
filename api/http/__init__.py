"""What all HTTP requests share: what a route may ask for, strict bodies, errors as answers, headers."""
