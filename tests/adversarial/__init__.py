"""Attacks on a running Doorward, and ordinary work that must go on beside them."""
