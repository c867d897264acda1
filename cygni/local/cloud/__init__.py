"""The cloud process: an embedded AWS that runs Cygni's own handlers, and the HTTP API in front of it."""
