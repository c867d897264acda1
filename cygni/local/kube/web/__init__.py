"""The HTTP side: paths, queries, bodies, streams."""
