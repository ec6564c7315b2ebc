"""How much is looked at before a statement counts as too much to follow."""

from __future__ import annotations


class TooMuch(Exception):
    """The statement is built so that following its names takes longer than it is worth."""


class Visits:
    """Columns and items of FROM that were looked at, over all names of a statement; *most* in all.

    A text of 100 KB that names one wide sub-select thousands of times would make it hundreds of millions.
    """

    def __init__(self, most: int) -> None:
        self._left = most

    def count(self, number: int) -> None:
        """Note *number* more. Raises TooMuch."""
        self._left -= number
        if self._left < 0:
            raise TooMuch
