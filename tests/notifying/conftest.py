"""An HTTP receiver, and a notice to give it."""

from tests.shipping.conftest import collector

__all__ = ["collector"]
