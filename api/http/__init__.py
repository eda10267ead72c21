"""What all HTTP routes share: dependencies, strict parsing, errors as problem+json, headers and OpenAPI."""
