"""Starts the processes of the embedded cloud, watches, restarts and stops them."""
