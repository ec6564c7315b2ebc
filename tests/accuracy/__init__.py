"""How right the labels are: ``make accuracy``."""
