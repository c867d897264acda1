"""The verbs of the command, one module per noun: parse, call the API, print."""
