"""Strategy, health gates, samples, verdicts, evidence."""
