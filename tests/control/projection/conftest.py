"""The short history, for tests of what finds its way in it."""

from tests.evidence.histories import history

__all__ = ["history"]
