"""Generators of what is committed but not written by hand; each runs as `python -m tools.<name>`."""
