"""What Cygni uses of AWS at its target, from the real handlers on a store that counts: see `bench.scale`."""
