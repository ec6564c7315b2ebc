"""The office, for tests of what it bundles."""

from tests.control.offices import anyio_backend, scene

__all__ = ["anyio_backend", "scene"]
