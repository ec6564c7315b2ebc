"""Telling people outside what waits for them, and hearing their answers: never in the way of a statement or of each other."""
