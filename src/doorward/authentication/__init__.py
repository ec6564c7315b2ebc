"""Credentials in, proven identity out."""
