"""What `bench.judge` is made of: labelled traffic, the judges, and how they are compared."""
