"""Our half of SCRAM against the client of an independent library, and against what no client sends."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import time

import hypothesis
import pytest
import scramp
from hypothesis import strategies as st

from doorward.authentication.scram import (
    MECHANISM,
    MECHANISM_PLUS,
    ClientExchange,
    ServerExchange,
    StoredSecret,
    decoy,
    takes_long,
)
from doorward.errors import AuthenticationFailed, UpstreamUnavailable
from doorward.model.upstream import Upstream
from doorward.proxy.upstream_connections import connect
from tests.live.servers import Server

SALT, ITERATIONS, NONCE = b"sixteen byte salt"[:16], 4096, "server-nonce-0123456789"


def stored(secret: str, credential_id: str = "cred_1", salt: bytes = SALT, iterations: int = ITERATIONS) -> StoredSecret:
    """What is kept of *secret* (RFC 5803), computed by the standard library alone."""
    salted = hashlib.pbkdf2_hmac("sha256", secret.encode(), salt, iterations)
    client_key, server_key = (hmac.digest(salted, word, "sha256") for word in (b"Client Key", b"Server Key"))
    return StoredSecret(credential_id, iterations, salt, hashlib.sha256(client_key).digest(), server_key)


def prove(server: ServerExchange, secret: str, user: str = "alice") -> str:
    """A whole exchange with scramp's client; the id of the credential that matched."""
    client = scramp.ScramClient([MECHANISM], user, secret)
    client.set_server_first(server.begin(client.get_client_first().encode()).decode())
    credential_id, final = server.finish(client.get_client_final().encode())
    client.set_server_final(final.decode())
    return credential_id


def test_the_right_secret_is_accepted_and_we_prove_that_we_know_it_too() -> None:
    """The client checks the server's signature."""
    assert prove(ServerExchange([stored("right")], NONCE), "right") == "cred_1"


@pytest.mark.parametrize("secret", ["wrong", "righ", "right ", "Right", "x"])
def test_a_wrong_secret_is_refused(secret: str) -> None:
    """Nothing but the secret."""
    with pytest.raises(AuthenticationFailed):
        prove(ServerExchange([stored("right")], NONCE), secret)


def test_any_of_several_secrets_is_accepted_and_named() -> None:
    """While one is rotated, both are good."""
    candidates = [stored("old", "cred_old"), stored("new", "cred_new")]
    for secret, expected in (("old", "cred_old"), ("new", "cred_new")):
        assert prove(ServerExchange(candidates, NONCE), secret) == expected


def test_a_secret_with_another_salt_is_left_out() -> None:
    """The salt is sent before it is known which secret is used."""
    candidates = [stored("old", "cred_old"), stored("new", "cred_new", salt=b"another salt 123")]
    with pytest.raises(AuthenticationFailed):
        prove(ServerExchange(candidates, NONCE), "new")


def test_an_empty_user_name_is_taken() -> None:
    """libpq sends none: PostgreSQL takes it from the start-up packet."""
    server = ServerExchange([stored("right")], NONCE)
    first = server.begin(b"n,,n=,r=clientnonce").decode()
    assert finish(server, first, "right", b"n,,", "n=,r=clientnonce")[0] == "cred_1"


def finish(server: ServerExchange, server_first: str, secret: str, header: bytes, bare: str) -> tuple[str, bytes]:
    """The closing step of a client written out by hand."""
    nonce = server_first.partition(",")[0].removeprefix("r=")
    without_proof = f"c={base64.b64encode(header).decode()},r={nonce}"
    salted = hashlib.pbkdf2_hmac("sha256", secret.encode(), SALT, ITERATIONS)
    key = hmac.digest(salted, b"Client Key", "sha256")
    signature = hmac.digest(hashlib.sha256(key).digest(), f"{bare},{server_first},{without_proof}".encode(), "sha256")
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature, strict=True))).decode()
    return server.finish(f"{without_proof},p={proof}".encode())


def test_a_client_may_think_that_we_have_no_channel_binding() -> None:
    """It says y; what it repeats must be what it said."""
    server = ServerExchange([stored("right")], NONCE)
    first = server.begin(b"y,,n=,r=clientnonce").decode()
    assert finish(server, first, "right", b"y,,", "n=,r=clientnonce")[0] == "cred_1"
    server = ServerExchange([stored("right")], NONCE)
    first = server.begin(b"y,,n=,r=clientnonce").decode()
    with pytest.raises(AuthenticationFailed):
        finish(server, first, "right", b"n,,", "n=,r=clientnonce")


@pytest.mark.parametrize("first", [
    b"", b"n", b"n,,", b"n,,n=", b"n,,n=,r=", b"n,,n=,r=short", b"p=tls-server-end-point,,n=,r=clientnonce",
    b"x,,n=,r=clientnonce",
    b"n,,m=ext,n=,r=clientnonce", b"n,,n=a,b,r=clientnonce", b"\xff,,n=,r=clientnonce", b"n,,n=,r=client\x00nonce",
    b"n,,n=,r=" + b"x" * 257, b"n,,r=clientnonce,n=",
])  # fmt: skip
def test_malformed_opening_steps_are_refused(first: bytes) -> None:
    """In words that tell nothing."""
    with pytest.raises(AuthenticationFailed, match="not understood"):
        ServerExchange([stored("right")], NONCE).begin(first)


@hypothesis.given(st.binary(max_size=120), st.binary(max_size=120))
def test_noise_is_refused_and_nothing_else(first: bytes, final: bytes) -> None:
    """In either step."""
    server = ServerExchange([stored("right")], NONCE)
    for step, data in ((server.begin, first), (server.finish, final)):
        with pytest.raises(AuthenticationFailed):
            step(data)


@hypothesis.given(st.integers(0, 200), st.integers(0, 255))
def test_a_closing_step_with_any_byte_changed_is_refused(at: int, byte: int) -> None:
    """Nonce, channel binding and proof are all checked."""
    server = ServerExchange([stored("right")], NONCE)
    client = scramp.ScramClient([MECHANISM], "alice", "right", c_nonce="clientnonce")
    client.set_server_first(server.begin(client.get_client_first().encode()).decode())
    final = bytearray(client.get_client_final().encode())
    before = bytes(final)
    final[at % len(final)] = byte
    hypothesis.assume(_decoded(bytes(final)) != _decoded(before))
    with pytest.raises(AuthenticationFailed):
        server.finish(bytes(final))


def _decoded(final: bytes) -> bytes:
    """The last letter of base64 has bits that nobody reads."""
    head, _, proof = final.partition(b",p=")
    try:
        return head + base64.b64decode(proof, validate=True)
    except ValueError:
        return final


def test_a_recorded_exchange_cannot_be_played_again() -> None:
    """Our nonce is another one."""
    server = ServerExchange([stored("right")], NONCE)
    client = scramp.ScramClient([MECHANISM], "alice", "right")
    first = client.get_client_first().encode()
    client.set_server_first(server.begin(first).decode())
    final = client.get_client_final().encode()
    server.finish(final)
    again = ServerExchange([stored("right")], "server-nonce-9876543210")
    again.begin(first)
    with pytest.raises(AuthenticationFailed):
        again.finish(final)


def test_a_decoy_is_the_same_each_time_and_opens_nothing() -> None:
    """A name that nobody has looks like one that somebody has: same shape, same salt when asked twice."""
    key = b"k" * 32
    assert decoy("nobody", key) == decoy("nobody", key)
    assert decoy("nobody", key).salt != decoy("someone", key).salt
    assert decoy("nobody", key).salt != decoy("nobody", b"other key").salt
    real, fake = stored("right"), decoy("nobody", key)
    for field in ("salt", "stored_key", "server_key"):
        assert len(getattr(real, field)) == len(getattr(fake, field))
    assert real.iterations == fake.iterations
    shapes = [
        [len(part) for part in ServerExchange([secret], NONCE).begin(b"n,,n=,r=clientnonce").split(b",")]
        for secret in (real, fake)
    ]
    assert shapes[0] == shapes[1]
    with pytest.raises(AuthenticationFailed):
        prove(ServerExchange([fake], NONCE), "right")


BINDING = b"the hash of a certificate"
CHANNEL = ("tls-server-end-point", BINDING)


def test_an_exchange_is_bound_to_the_connection() -> None:
    """An independent client that sees our certificate is let in; one that sees another's is not."""
    for seen, is_in in ((BINDING, True), (b"that of somebody in between", False)):
        server = ServerExchange([stored("right")], NONCE, BINDING)
        client = scramp.ScramClient([MECHANISM_PLUS], "alice", "right", channel_binding=("tls-server-end-point", seen))
        client.set_server_first(server.begin(client.get_client_first().encode(), MECHANISM_PLUS).decode())
        assert server.is_bound
        if is_in:
            assert server.finish(client.get_client_final().encode())[0] == "cred_1"
        else:
            with pytest.raises(AuthenticationFailed):
                server.finish(client.get_client_final().encode())


def test_a_client_that_was_not_shown_the_offer_is_refused() -> None:
    """It says that it could have bound: somebody cut the offer."""
    with pytest.raises(AuthenticationFailed, match="believes") as raised:
        ServerExchange([stored("right")], NONCE, BINDING).begin(b"y,,n=,r=clientnonce")
    assert raised.value.reason


def test_a_client_that_cannot_bind_is_let_in_without() -> None:
    """Many drivers can't; they say n."""
    server = ServerExchange([stored("right")], NONCE, BINDING)
    assert prove(server, "right") == "cred_1"
    assert not server.is_bound


@pytest.mark.parametrize(
    ("mechanism", "first", "binding"),
    [
        (MECHANISM_PLUS, b"n,,n=,r=clientnonce", BINDING),
        (MECHANISM_PLUS, b"y,,n=,r=clientnonce", BINDING),
        (MECHANISM_PLUS, b"p=tls-unique,,n=,r=clientnonce", BINDING),
        (MECHANISM_PLUS, b"p=tls-server-end-point,,n=,r=clientnonce", None),
        (MECHANISM, b"p=tls-server-end-point,,n=,r=clientnonce", BINDING),
        ("PLAIN", b"n,,n=,r=clientnonce", None),
    ],
)
def test_what_is_chosen_and_what_is_said_must_agree(mechanism: str, first: bytes, binding: bytes | None) -> None:
    """RFC 5802, section 6."""
    with pytest.raises(AuthenticationFailed):
        ServerExchange([stored("right")], NONCE, binding).begin(first, mechanism)


@pytest.mark.parametrize("name", ["doorward", "a=b,c", ""])
def test_our_client_binds_to_the_connection(name: str) -> None:
    """Both halves are ours here; the server's was compared with another's above."""
    client = ClientExchange(name, "right", NONCE, BINDING, is_encrypted=True)
    server = ServerExchange([stored("right")], NONCE, BINDING)
    mechanism, first = client.first([MECHANISM, MECHANISM_PLUS])
    _credential, final = server.finish(client.answer(server.begin(first, mechanism)))
    client.check(final)
    assert client.is_bound


async def _sign_in(upstream: Upstream) -> None:
    (await connect(upstream, {})).close()


# Two words; an umlaut; a Roman nine; a soft hyphen; a blank that is none; Arabic, alone and mixed; a bell.
PASSWORDS = ["pass word", "p\u00e4ss", "\u2168", "I\u00adX", "a\u00a0b", "\u0627\u0628", "\u0627b", "\u0007\u00e4"]


@pytest.mark.parametrize("password", PASSWORDS)
def test_passwords_are_prepared_as_the_server_prepares_them(password: str, postgres15: Server) -> None:
    """Letters that are written in several ways, invisible ones, and those that SASLprep refuses (RFC 4013)."""
    from psycopg import sql

    role = f"role_{secrets.token_hex(4)}"
    with postgres15.connect() as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(password)))
        try:
            upstream = Upstream("x", "postgresql", postgres15.host, postgres15.port, "postgres", role, password)
            asyncio.run(_sign_in(upstream))
        finally:
            connection.execute(f"DROP ROLE {role}".encode())


def test_the_rounds_are_done_once_for_an_upstream() -> None:
    """They hold up every other session of the process."""
    spent = []
    for _time in range(2):
        client = ClientExchange("doorward", "rounds", NONCE)
        server = ServerExchange([stored("rounds", iterations=400_000)], NONCE)
        challenge = server.begin(client.first()[1])
        begun = time.perf_counter()
        client.answer(challenge)
        spent.append(time.perf_counter() - begun)
    assert spent[1] < spent[0] / 20


@pytest.mark.parametrize(
    ("rounds", "is_slow"), [(4_096, False), (10_000, False), (10_001, True), (600_000, True), (10**11, True)]
)
def test_many_rounds_are_known_to_take_long(rounds: int, is_slow: bool) -> None:
    """Whoever serves others meanwhile does them elsewhere."""
    assert takes_long(b"R\0\0\0\x5c\0\0\0\x0br=clientnonce,s=c2FsdHNhbHQ=,i=%d" % rounds) is is_slow


def test_our_client_proves_itself_and_checks_the_server() -> None:
    """Towards an upstream, against scramp's server."""
    mechanism = scramp.ScramMechanism(MECHANISM)
    auth = mechanism.make_auth_info("password")
    server = mechanism.make_server(lambda _user: auth)
    client = ClientExchange("doorward", "password", NONCE)
    server.set_client_first(client.first()[1].decode())
    server.set_client_final(client.answer(server.get_server_first().encode()).decode())
    client.check(server.get_server_final().encode())


@hypothesis.settings(deadline=None)
@hypothesis.given(
    st.binary(max_size=60) | st.from_regex(rb"(r=\w*,)?(s=[A-Za-z=]*,)?(i=-?[0-9]{0,3})?,?(e=x)?", fullmatch=True)
)
def test_noise_from_an_upstream_is_reported_as_such(data: bytes) -> None:
    """No other error comes of it, in either step."""
    client = ClientExchange("doorward", "password", NONCE)
    client.first()
    with pytest.raises(UpstreamUnavailable):
        client.answer(data)
    with pytest.raises(UpstreamUnavailable):
        client.check(data)


def test_an_upstream_that_asks_for_endless_hashing_is_refused() -> None:
    """The count comes from the other side, and the work would be done on everybody's time."""
    client = ClientExchange("app", "secret", NONCE)
    client.first()
    for rounds in (999_999_999, 1):
        with pytest.raises(UpstreamUnavailable, match="rounds of hashing"):
            client.answer(f"r={NONCE}abc,s=c2FsdHNhbHQ=,i={rounds}".encode())
