"""An issuer of tokens, as GitHub or a cluster is one: its keys, tokens of any shape, and a place that serves the keys."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

KINDS: dict[str, Any] = {
    "RS256": lambda: RSAKey.generate_key(2048),
    "ES256": lambda: ECKey.generate_key("P-256"),
    "Ed25519": lambda: OKPKey.generate_key("Ed25519"),
}


def encoded(part: bytes | dict[str, Any]) -> str:
    """One part of a token."""
    text = part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


@dataclass
class Issuer:
    """Signs. *keys* are by their id; the newest signs."""

    address: str = "https://issuer.example"
    algorithm: str = "ES256"
    keys: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.keys:
            self.new_key("first")

    def new_key(self, key_id: str) -> None:
        """Sign with another key from now on; those of before stay published."""
        self.keys[key_id] = KINDS[self.algorithm]()

    def jwks(self) -> bytes:
        """What it publishes."""
        published = [{**key.as_dict(private=False), "kid": key_id, "use": "sig"} for key_id, key in self.keys.items()]
        return json.dumps({"keys": published}).encode()

    def claims(self, now_s: float, **changed: Any) -> dict[str, Any]:
        """Good claims, but for what is *changed*; None takes one out."""
        made = {
            "iss": self.address,
            "sub": "repo:acme/shop",
            "aud": "doorward",
            "iat": int(now_s),
            "exp": int(now_s) + 300,
            **changed,
        }
        return {name: value for name, value in made.items() if value is not None}

    def token(self, claims: dict[str, Any] | bytes, **header: Any) -> str:
        """*claims*, signed; *header* changes or adds to it."""
        key_id = list(self.keys)[-1]
        made = {"alg": self.algorithm, "kid": key_id, "typ": "JWT", **header}
        return self.signed(encoded({k: v for k, v in made.items() if v is not None}), claims, key_id)

    def signed(self, header: str, claims: dict[str, Any] | bytes, key_id: str) -> str:
        """A token with whatever *header*, its signature good by the issuer's own algorithm."""
        text = f"{header}.{encoded(claims)}"
        signature = jws.JWSRegistry.algorithms[self.algorithm].sign(text.encode(), self.keys[key_id])
        return f"{text}.{encoded(signature)}"


@dataclass
class Place:
    """Where an issuer's keys are served. *asked* counts; *is_away* makes it fail."""

    url: str
    documents: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    is_away: bool = False
    headers: dict[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def served(issuer: Issuer) -> Iterator[Place]:
    """Serve *issuer*'s description and keys on loopback; it takes the place's address for its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place.asked.append(self.path)
            documents = {
                "/.well-known/openid-configuration": json.dumps(
                    {"issuer": issuer.address, "jwks_uri": f"{place.url}/jwks"}
                ).encode(),
                "/jwks": issuer.jwks(),
                **place.documents,
            }
            content = documents.get(self.path)
            self.send_response(503 if place.is_away else 200 if content is not None else 404)
            for name, value in place.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"" if place.is_away else content or b"")

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    place = Place(f"http://127.0.0.1:{server.server_port}")
    issuer.address = place.url
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="issuer")
    thread.start()
    try:
        yield place
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
