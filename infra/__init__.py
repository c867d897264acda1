"""Cygni on AWS: a CDK app that synthesizes what `functions/catalog.py` declares and what that needs around it."""
