"""Uvicorn as Tailwire runs it, with bounds."""
