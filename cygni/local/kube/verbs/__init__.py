"""Create, update, patch, apply, delete: every rule on the way to the store."""
