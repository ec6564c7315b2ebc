"""The audit log as tables to ask questions of: made from the log, thrown away and made again at will."""
