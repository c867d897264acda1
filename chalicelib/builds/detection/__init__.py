"""One detector per language. Each takes what is in the context and gives a plan, None (not this language), or a refusal."""
