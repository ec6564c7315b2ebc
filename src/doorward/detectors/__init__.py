"""What single values hold: personal data and secrets in texts, JSON and cells, by validators rather than by dictionaries."""
