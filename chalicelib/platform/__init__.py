"""Thin clients of the world. Knows nothing of Cygni's contexts."""
