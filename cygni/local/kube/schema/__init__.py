"""The types of all objects, as data."""
