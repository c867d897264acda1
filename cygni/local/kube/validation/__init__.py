"""What objects may look like."""
