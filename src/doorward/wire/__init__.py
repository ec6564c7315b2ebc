"""Bytes to events and back, sans-I/O: no sockets, no clock, no await."""
