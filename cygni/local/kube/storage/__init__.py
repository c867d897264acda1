"""Objects, their history, and who watches them."""
