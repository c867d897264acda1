"""Version 3: one request in five fails, while /healthz says that all is well. A probe alone would never notice."""

VERSION = 3
GREETING = "Hello, most of the time"
COLOUR = "#ffd9d2"

# Requests take these in turn: whether one fails, and the seconds it takes.
FAILS = (False, False, False, False, True)
DELAYS = (0,)
