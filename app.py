"""The entry point of the API function; everything is in `chalicelib.api`."""

from chalicelib.api.application import create_app

app = create_app()
