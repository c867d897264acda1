"""Server-side apply: field managers and what they own."""
