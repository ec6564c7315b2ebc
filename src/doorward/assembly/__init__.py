"""The composition root: settings in, running objects out. Two processes: the gateway, and the control process that keeps it."""
