"""The office, for tests of its doors."""

from tests.control.offices import anyio_backend, scene

__all__ = ["anyio_backend", "scene"]
