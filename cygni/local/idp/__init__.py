"""A provider of identities for tests and the demo: OpenID Connect, GitHub's OAuth, and the tokens of GitHub's workflows.

It asks for no password, so whoever reaches its port is whoever they say. It listens on loopback only and must stay there.
"""
