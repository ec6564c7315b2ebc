"""Copies of the log to other systems: events in their words, delivered at least once, never in the way of a statement."""
