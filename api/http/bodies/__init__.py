"""The models of HTTP requests and answers, which OpenAPI shows."""
