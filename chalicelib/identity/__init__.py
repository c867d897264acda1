"""Who is asking: principals and API keys."""
