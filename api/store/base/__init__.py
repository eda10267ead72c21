"""Declares the interface of every store, and its promises: `Store`, and one part for each noun."""
