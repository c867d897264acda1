"""The demo: four versions of one application meet real traffic; the platform keeps two and catches two.

It starts the embedded cloud in a folder of its own and drives it only through the HTTP API, with the `cygni` command.
"""
