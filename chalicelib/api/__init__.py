"""The HTTP edge: one module of routes per resource; parse, authorize, call a service, present."""
