"""Lambda handlers that are not the API. A handler parses its event, calls one service, returns."""
