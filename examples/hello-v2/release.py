"""Version 2: quick and sound, in another colour."""

VERSION = 2
GREETING = "Hello again from Cygni"
COLOUR = "#d5f5dc"

# Requests take these in turn: whether one fails, and the seconds it takes.
FAILS = (False,)
DELAYS = (0,)
