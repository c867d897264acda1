"""The application: every resource mounted on one Chalice app."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from chalice import Chalice

from chalicelib.api.edge import mount
from chalicelib.api.resources import RESOURCES
from chalicelib.api.world import World, real_world


def create_app(world: Callable[[], World] | None = None) -> Chalice:
    """A Chalice app that serves the API; `world` gives its ports, by default the real ones, made at the first request."""
    app = Chalice(app_name="cygni", configure_logs=False)
    mount(app, RESOURCES, world or cache(real_world))
    return app
