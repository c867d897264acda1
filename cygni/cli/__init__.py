"""The `cygni` command. Speaks the HTTP API and nothing else."""
