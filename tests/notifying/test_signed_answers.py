"""Answers in signed calls: one that is forged, altered, stale, brought again or of a stranger is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import AuthenticationFailed, InvalidRequest, NotPermitted
from doorward.notifying.receivers import Answerer
from doorward.notifying.signed_answers import AHEAD_SECONDS, OLDEST_SECONDS, SignedAnswers
from doorward.notifying.signing import key_of, signed_headers
from tests.notifying.notices import NOW_US, SECRET, secret_file
from tests.patience import examples

NOW_S = NOW_US // 1_000_000
OTHER = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
BODY = json.dumps({"request": "req_1", "person": "bob", "approve": True, "reason": "ticket 4711"}).encode()


class Moved:
    """A clock that is set by hand."""

    now_s = NOW_S - 1_000

    def __call__(self) -> int:
        return self.now_s * 1_000_000


def calls(tmp_path: Path, most: int = 100) -> tuple[SignedAnswers, Moved]:
    clock = Moved()
    made = SignedAnswers((Answerer("itsm", ("bob",), secret_file=secret_file(tmp_path)),), clock, most)
    clock.now_s = NOW_S
    return made, clock


def headers(body: bytes = BODY, message_id: str = "msg_1", at_s: int = NOW_S, secret: str = SECRET) -> dict[str, str]:
    return signed_headers(key_of("itsm", secret), message_id, at_s, body)


def test_a_good_answer_is_taken_once(tmp_path: Path) -> None:
    """The very same call again is not, and another one is."""
    taking, _clock = calls(tmp_path)
    answer = taking.take("itsm", headers(), BODY)
    assert (answer.request, answer.person, answer.approve, answer.reason) == ("req_1", "bob", True, "ticket 4711")
    with pytest.raises(AuthenticationFailed) as raised:
        taking.take("itsm", headers(), BODY)
    assert raised.value.reason == "it was brought before"
    assert taking.take("itsm", headers(message_id="msg_2"), BODY)


def test_a_replay_with_a_new_time_or_id_is_forged(tmp_path: Path) -> None:
    """Both are signed."""
    taking, _clock = calls(tmp_path)
    good = headers()
    taking.take("itsm", good, BODY)
    for change in ({"webhook-id": "msg_9"}, {"webhook-timestamp": str(NOW_S + 1)}):
        with pytest.raises(AuthenticationFailed):
            taking.take("itsm", good | change, BODY)


@pytest.mark.parametrize(
    ("at_s", "is_taken"),
    [
        (NOW_S - OLDEST_SECONDS - 1, False),
        (NOW_S - OLDEST_SECONDS, True),
        (NOW_S + AHEAD_SECONDS, True),
        (NOW_S + AHEAD_SECONDS + 1, False),
    ],
)
def test_stale_and_future_calls_are_refused(tmp_path: Path, at_s: int, is_taken: bool) -> None:
    """Within what clocks may differ by."""
    taking, _clock = calls(tmp_path)
    if is_taken:
        assert taking.take("itsm", headers(at_s=at_s), BODY)
        return
    with pytest.raises(AuthenticationFailed):
        taking.take("itsm", headers(at_s=at_s), BODY)


def test_nothing_can_be_replayed_over_a_restart(tmp_path: Path) -> None:
    """Whatever the one before may have taken, the one after does not, though it remembers nothing."""
    first, clock = calls(tmp_path)
    ahead = headers(at_s=NOW_S + AHEAD_SECONDS)
    first.take("itsm", ahead, BODY)
    again = SignedAnswers((Answerer("itsm", ("bob",), secret_file=secret_file(tmp_path)),), clock)
    for later in range(60):
        clock.now_s = NOW_S + later
        with pytest.raises(AuthenticationFailed):
            again.take("itsm", ahead, BODY)
    assert again.take("itsm", headers(message_id="msg_2", at_s=clock.now_s), BODY)


def test_a_forged_call_is_refused(tmp_path: Path) -> None:
    """With another secret, without one of the headers, under another name, or with a signature of another version."""
    taking, _clock = calls(tmp_path)
    good = headers()
    bad = [headers(secret=OTHER), good | {"webhook-signature": good["webhook-signature"].replace("v1,", "v2,")}]
    bad += [{name: value for name, value in good.items() if name != left_out} for left_out in good]
    bad += [good | {"webhook-timestamp": at} for at in ("", "now", f"{NOW_S}.0", "-1", "9" * 400)]
    bad += [good | {"webhook-id": name} for name in ("", "a b", "x" * 201, "ü")]
    for shown in bad:
        with pytest.raises(AuthenticationFailed):
            taking.take("itsm", shown, BODY)
    with pytest.raises(AuthenticationFailed):
        taking.take("other", good, BODY)
    assert taking.take("itsm", good, BODY), "what failed has not used it up"


def test_one_of_several_signatures_is_enough(tmp_path: Path) -> None:
    """As while a secret is changed; of very many none is looked at."""
    taking, _clock = calls(tmp_path)
    good = headers()["webhook-signature"]
    other = headers(secret=OTHER)["webhook-signature"]
    assert taking.take("itsm", headers() | {"webhook-signature": f"{other} {good}"}, BODY)
    second = headers(message_id="msg_2")
    with pytest.raises(AuthenticationFailed):
        taking.take("itsm", second | {"webhook-signature": " ".join([other] * 50 + [second["webhook-signature"]])}, BODY)


@examples(100, 5_000)
@given(at=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7), data=st.data())
def test_an_altered_call_is_refused(tmp_path_factory: pytest.TempPathFactory, at: int, bit: int, data: st.DataObject) -> None:
    """One bit of the body, or one letter of the signature or a header."""
    taking, _clock = calls(tmp_path_factory.mktemp("altered"))
    good = headers()
    altered = bytearray(BODY)
    altered[at] ^= 1 << bit
    with pytest.raises(AuthenticationFailed):
        taking.take("itsm", good, bytes(altered))
    name = data.draw(st.sampled_from(sorted(good)))
    place = data.draw(st.integers(0, len(good[name]) - 1))
    letter = data.draw(st.characters(exclude_characters=good[name][place]))
    with pytest.raises(AuthenticationFailed):
        taking.take("itsm", good | {name: good[name][:place] + letter + good[name][place + 1 :]}, BODY)


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[]", b"{}", BODY[:-1], BODY[:-1] + b', "also": "carol"}', b'{"approve": "yes"}']
)
def test_a_body_that_makes_no_sense_is_refused(tmp_path: Path, body: bytes) -> None:
    """Also a signed one; what can't be signed as text is not proven at all."""
    taking, _clock = calls(tmp_path)
    signed = headers(body) if body != b"\xff" else headers()
    with pytest.raises((InvalidRequest, AuthenticationFailed)):
        taking.take("itsm", signed, body)


def test_it_speaks_only_for_those_named(tmp_path: Path) -> None:
    """However well it is signed."""
    taking, _clock = calls(tmp_path)
    body = BODY.replace(b"bob", b"eve")
    with pytest.raises(NotPermitted, match="may not speak for 'eve'"):
        taking.take("itsm", headers(body), body)


def test_memory_is_bounded_and_forgets_nothing_that_could_come_again(tmp_path: Path) -> None:
    """Full, it takes no more; once the first ones are too old to come again, there is room."""
    taking, clock = calls(tmp_path, most=2)
    for number in range(2):
        taking.take("itsm", headers(message_id=f"msg_{number}"), BODY)
    with pytest.raises(AuthenticationFailed):
        taking.take("itsm", headers(message_id="msg_2"), BODY)
    clock.now_s = NOW_S + OLDEST_SECONDS + 1
    assert taking.take("itsm", headers(message_id="msg_3", at_s=clock.now_s), BODY)
    with pytest.raises(AuthenticationFailed):
        taking.take("itsm", headers(message_id="msg_0"), BODY)
