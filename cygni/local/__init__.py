"""The embedded cloud: the same control plane on one machine, with nothing of AWS or Docker."""
