"""Starts the three processes of the embedded cloud, watches, restarts and stops them."""
