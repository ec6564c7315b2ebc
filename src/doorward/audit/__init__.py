"""Entries into a tamper-evident log: journal (written first), tiles and checkpoint (signed after), reader, verifier."""
