"""Held executions: how a request moves, who may answer it, and what an answer is good for."""
