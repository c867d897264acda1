"""Who did what: an append-only trail of each team's changes, chained so that a missing or altered line shows."""
