"""The HTTP door: JSON over the control functions."""
