"""Version 4: nine requests in ten take 600 to 900 ms, and none fails. Only their latency shows it."""

VERSION = 4
GREETING = "Hello, in a moment"
COLOUR = "#ffeec2"

# Requests take these in turn: whether one fails, and the seconds it takes.
FAILS = (False,)
DELAYS = (0, 0.6, 0.75, 0.9, 0.65, 0.8, 0.7, 0.85, 0.6, 0.75)
