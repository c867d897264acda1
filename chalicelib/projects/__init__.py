"""Projects, environments, services, their config, and the app file `cygni.yaml`."""
