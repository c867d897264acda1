"""The entry point of the API function; everything is in `chalicelib.api`."""

import gc

gc.disable()  # what importing makes stays; looking through it for garbage takes a fifteenth of the import
from chalicelib.api.application import create_app  # noqa: E402
from chalicelib.platform.restored import reseed_after_restore  # noqa: E402

app = create_app()
reseed_after_restore()
gc.freeze()  # nor do later collections look through it, which spares a request a pause of 10 ms
gc.enable()
