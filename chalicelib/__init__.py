"""Cygni's control plane: what it knows and decides, one package per bounded context."""
