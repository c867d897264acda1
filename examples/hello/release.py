"""Version 1: quick and sound."""

VERSION = 1
GREETING = "Hello from Cygni"
COLOUR = "#cfe3ff"

# Requests take these in turn: whether one fails, and the seconds it takes.
FAILS = (False,)
DELAYS = (0,)
