"""Measures Tailwire beside its peers: `make bench`, docs/benchmarks.md."""
