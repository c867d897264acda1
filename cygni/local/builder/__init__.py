"""The embedded cloud's builder: carries out a build plan on this machine, where the cloud would run Kaniko."""

from cygni.local.builder.build import build

__all__ = ["build"]
