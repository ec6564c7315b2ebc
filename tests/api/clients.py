"""HTTP clients that call the application in process."""

from __future__ import annotations

import httpx

from doorward.api.settings import DoorSettings
from doorward.console.app import create_app
from doorward.control.operators import LOCAL
from tests.control.offices import Scene

TOKEN = "dwo_for-tests"
ORIGIN = "http://localhost:8400"


class Doors:
    """The application over a scene, and clients of it."""

    def __init__(self, scene: Scene, settings: DoorSettings | None = None) -> None:
        self.scene = scene
        self.app = create_app(scene.office, settings or DoorSettings(TOKEN))

    def client(self, **options: object) -> httpx.AsyncClient:
        """Somebody who has not signed in."""
        transport = httpx.ASGITransport(app=self.app)
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN, **options)  # type: ignore[arg-type]

    def operator(self) -> httpx.AsyncClient:
        """The local operator."""
        return self.client(headers={"Authorization": f"Bearer {TOKEN}"})

    async def person(self, name: str) -> httpx.AsyncClient:
        """A person, with a fresh secret."""
        minted = await self.scene.office.secrets.mint(LOCAL, name)
        return self.client(auth=(name, minted.secret))
