"""What a developer installs: the `cygni` command and the embedded cloud."""

__version__ = "0.1.0"
