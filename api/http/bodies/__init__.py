"""The bodies of HTTP requests and answers, as OpenAPI shows them."""
