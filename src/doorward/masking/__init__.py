"""Obligations and lineage in, what happens to each result column out."""
