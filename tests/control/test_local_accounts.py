"""Accounts of Doorward's own: set up once by a link, proven by a password and a code that counts once, kept without secrets."""

from __future__ import annotations

import asyncio
import json

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.control import passwords
from doorward.control.local_account_settings import LocalAccountSettings
from doorward.control.local_accounts import LINK_HOURS, LocalAccounts
from doorward.control.one_time_codes import digest_of, fresh_key, fresh_recovery_codes, step_of
from doorward.control.operators import LOCAL, Operator
from doorward.control.passwords import check_password, is_password, verifier_of
from doorward.control.views import decode_entry
from doorward.errors import AuditUnavailable, AuthenticationFailed, Conflict, InvalidRequest, NotFound, NotPermitted
from doorward.model import link
from doorward.model.entry import Administered
from doorward.model.identity import PrincipalKind
from tests.control.offices import Scene

pytestmark = pytest.mark.anyio
PASSWORD = "three words suffice"
HALF_MINUTE_US = 30_000_000


class Person:
    """Somebody with an app for codes."""

    def __init__(self, scene: Scene, name: str = "ada") -> None:
        self.scene = scene
        self.name = name
        self.key = ""
        self.codes: tuple[str, ...] = ()

    @property
    def accounts(self) -> LocalAccounts:
        return self.scene.office.local_accounts

    def code(self, steps: int = 0) -> str:
        """What the app shows, so many half-minutes from now."""
        return pyotp.TOTP(self.key).at(self.scene.clock.now_us // 1_000_000 + 30 * steps)

    async def set_up(self, password: str = PASSWORD) -> None:
        made = await self.accounts.link(LOCAL, self.name)
        self.key = self.accounts.begin(made.token).key.replace(" ", "")
        self.codes = await self.accounts.set_up(made.token, password, self.code())
        self.scene.clock.now_us += HALF_MINUTE_US

    async def sign_in(self, password: str = PASSWORD, code: str | None = None) -> Operator:
        return await self.accounts.sign_in(self.name, password, self.code() if code is None else code)


@pytest.fixture
async def ada(scene: Scene) -> Person:
    person = Person(scene)
    await person.set_up()
    return person


def acts(scene: Scene, prefix: str = "account.") -> list[str]:
    entries = map(decode_entry, scene.log.raw)
    return [entry.act for entry in entries if isinstance(entry, Administered) and entry.act.startswith(prefix)]


async def test_a_password_and_a_code_sign_a_person_in(ada: Person) -> None:
    """With the rights of that person, for the time that is set, and in the log."""
    by = await ada.sign_in()
    assert by.principal == ada.scene.principal("ada")
    assert by.ends_us == ada.scene.clock.now_us + 12 * 3_600_000_000
    assert ada.scene.office.proven_still(by).may_administer
    assert acts(ada.scene) == ["account.link_made", "account.set_up"]
    assert acts(ada.scene, "sign-in.") == ["sign-in.opened"]


async def test_a_code_counts_once(ada: Person) -> None:
    """Not even at the same time; the one before it is over then too."""
    one_code = ada.code()
    tried = await asyncio.gather(*(ada.sign_in(code=one_code) for _ in range(4)), return_exceptions=True)
    assert sorted(type(told).__name__ for told in tried) == ["AuthenticationFailed"] * 3 + ["Operator"]
    with pytest.raises(AuthenticationFailed):
        await ada.sign_in(code=ada.code(-1))
    ada.scene.clock.now_us += HALF_MINUTE_US
    await ada.sign_in()


async def test_the_code_of_setting_up_counts_no_more(scene: Scene) -> None:
    """Whoever looked on has no use of it."""
    person = Person(scene)
    made = await person.accounts.link(LOCAL, "ada")
    person.key = person.accounts.begin(made.token).key.replace(" ", "")
    await person.accounts.set_up(made.token, PASSWORD, person.code())
    with pytest.raises(AuthenticationFailed):
        await person.sign_in()


@pytest.mark.parametrize(("steps", "is_good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_clocks_may_be_off_by_a_step(ada: Person, steps: int, is_good: bool) -> None:
    """And by no more."""
    ada.scene.clock.now_us += 10 * HALF_MINUTE_US
    code = ada.code(steps)
    if is_good:
        await ada.sign_in(code=code)
        return
    with pytest.raises(AuthenticationFailed):
        await ada.sign_in(code=code)


async def test_whatever_is_wrong_is_told_alike_and_takes_the_same_work(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name, password, code, no account, revoked; a code is not used up by a wrong password."""
    judged: list[str] = []

    def judge(verifier: str, password: str, key: bytes) -> bool:
        judged.append(verifier)
        return is_password(verifier, password, key)

    monkeypatch.setattr("doorward.control.local_accounts.is_password", judge)
    await Person(ada.scene, "ben").set_up()
    await ada.scene.office.principals.revoke(LOCAL, "ben")
    told = set()
    for name, password, code in [
        ("ada", "another password", ada.code()),
        ("ada", PASSWORD, "000000"),
        ("ada", PASSWORD, ""),
        ("ada", "", ""),
        ("ben", PASSWORD, "000000"),
        ("eve", PASSWORD, "000000"),
        ("report-bot", PASSWORD, "000000"),
        ("nobody", PASSWORD, "000000"),
        ("", "", ""),
        ("nobody", "\udcff", "\udcff"),
    ]:
        with pytest.raises(AuthenticationFailed) as refused:
            await ada.accounts.sign_in(name, password, code)
        told.add(str(refused.value))
    assert len(told) == 1
    assert len(judged) == 10
    await ada.sign_in()


async def test_the_right_password_with_a_wrong_code_is_worth_an_entry(ada: Person) -> None:
    """It may be somebody who has the one and not the other."""
    with pytest.raises(AuthenticationFailed):
        await ada.sign_in(code="000000")
    with pytest.raises(AuthenticationFailed):
        await ada.sign_in("another password", "000000")
    assert acts(ada.scene)[-1:] == ["account.code_refused"]
    assert acts(ada.scene).count("account.code_refused") == 1


async def test_a_recovery_code_is_good_once_however_it_is_spelled(ada: Person) -> None:
    """Each of ten."""
    assert len(set(ada.codes)) == 10
    await ada.sign_in(code=f" {ada.codes[3].upper()} ")
    for code in (ada.codes[3], ada.codes[3].replace("-", "")):
        with pytest.raises(AuthenticationFailed):
            await ada.sign_in(code=code)
    await ada.sign_in(code=ada.codes[4].replace("-", " "))
    assert [row.recovery_codes for row in ada.accounts.all(LOCAL)] == [8]
    assert acts(ada.scene).count("account.recovery_code_used") == 2


async def test_nothing_that_is_kept_opens_anything(ada: Person) -> None:
    """No password, no key of the app, no recovery code, no link: neither in the file nor in the log nor in a repr."""
    made = await ada.accounts.link(LOCAL, "ben")
    kept = (ada.scene.socket.parent / "control.db").read_bytes()
    logged = b"".join(ada.scene.log.raw)
    account = ada.scene.store.local_accounts.of(ada.scene.principal("ada").id)
    assert account is not None
    assert account.password.startswith("$argon2id$")
    for hidden in (PASSWORD, ada.key, *ada.codes, *(code.replace("-", "").upper() for code in ada.codes), made.token):
        assert hidden.encode() not in kept
        assert hidden.encode() not in logged
        assert hidden not in repr((account, made, ada.accounts.begin(made.token)))


async def test_a_stolen_file_does_not_even_tell_whether_a_guess_is_right(ada: Person) -> None:
    """Passwords are mixed with a key that is not in it."""
    account = ada.scene.store.local_accounts.of(ada.scene.principal("ada").id)
    assert account is not None
    assert not is_password(account.password, PASSWORD, b"")
    assert not is_password(account.password, PASSWORD, b"k" * 32)


async def test_a_link_is_good_once_for_a_day_and_the_last_one_counts(scene: Scene) -> None:
    """Looking at it uses nothing up."""
    ada = Person(scene)
    first = await ada.accounts.link(LOCAL, "ada")
    second = await ada.accounts.link(LOCAL, "ada")
    with pytest.raises(AuthenticationFailed):
        ada.accounts.begin(first.token)
    shown = ada.accounts.begin(second.token)
    assert ada.accounts.begin(second.token) == shown
    ada.key = shown.key.replace(" ", "")
    assert pyotp.parse_uri(shown.address).secret == ada.key
    with pytest.raises(Conflict):
        await ada.accounts.set_up(second.token, PASSWORD, "000000")
    await ada.accounts.set_up(second.token, PASSWORD, ada.code())
    for token in (second.token, "", "\udcff"):
        with pytest.raises(AuthenticationFailed):
            ada.accounts.begin(token)
        with pytest.raises(AuthenticationFailed):
            await ada.accounts.set_up(token, PASSWORD, ada.code())
    late = await ada.accounts.link(LOCAL, "ada")
    scene.clock.now_us += LINK_HOURS * 3_600_000_000
    with pytest.raises(AuthenticationFailed):
        ada.accounts.begin(late.token)


async def test_one_link_sets_up_one_account_though_two_use_it_at_once(scene: Scene) -> None:
    """The second is refused."""
    ada = Person(scene)
    made = await ada.accounts.link(LOCAL, "ada")
    ada.key = ada.accounts.begin(made.token).key.replace(" ", "")
    work = [ada.accounts.set_up(made.token, f"{PASSWORD} {number}", ada.code()) for number in range(2)]
    told = await asyncio.gather(*work, return_exceptions=True)
    assert sorted(type(one).__name__ for one in told) == ["AuthenticationFailed", "tuple"]


async def test_setting_up_anew_ends_what_was(ada: Person) -> None:
    """For a lost app: the old password, codes and sign-ins are void."""
    by = await ada.sign_in()
    old_code = ada.codes[0]
    await ada.set_up("quite another phrase")
    with pytest.raises(AuthenticationFailed):
        ada.scene.office.proven_still(by)
    for password, code in ((PASSWORD, ada.code()), ("quite another phrase", old_code)):
        with pytest.raises(AuthenticationFailed):
            await ada.sign_in(password, code)
    await ada.sign_in("quite another phrase")


async def test_a_changed_password_ends_all_other_sign_ins(ada: Person) -> None:
    """Their tokens, and the sessions that their secrets opened; this browser goes on with a new one."""
    by, elsewhere = await ada.sign_in(), None
    ada.scene.clock.now_us += HALF_MINUTE_US
    elsewhere = await ada.sign_in()
    token = ada.scene.office.sign_ins.token_of(elsewhere)
    minted = await ada.scene.office.secrets.mint(elsewhere, "ada")
    ada.scene.clock.now_us += HALF_MINUTE_US
    with pytest.raises(InvalidRequest):
        await ada.accounts.change_password(by, PASSWORD, ada.code(), "short")
    ada.scene.clock.now_us += HALF_MINUTE_US
    with pytest.raises(AuthenticationFailed):
        await ada.accounts.change_password(by, "wrong password", ada.code(), "quite another phrase")
    again = await ada.accounts.change_password(by, PASSWORD, ada.code(), "quite another phrase")
    for old in (by, elsewhere):
        with pytest.raises(AuthenticationFailed):
            ada.scene.office.proven_still(old)
    with pytest.raises(AuthenticationFailed):
        ada.scene.office.sign_ins.prove(token)
    assert ada.scene.office.proven_still(again).principal == again.principal
    revoked = [message for message in ada.scene.gateway.heard if isinstance(message, link.Revoked)]
    assert minted.credential_id in [message.credential_id for message in revoked]
    ada.scene.clock.now_us += HALF_MINUTE_US
    with pytest.raises(AuthenticationFailed):
        await ada.sign_in()
    await ada.sign_in("quite another phrase")


async def test_fresh_recovery_codes_make_the_old_ones_void(ada: Person) -> None:
    """They take the password and a code."""
    by = await ada.sign_in()
    ada.scene.clock.now_us += HALF_MINUTE_US
    fresh = await ada.accounts.renew_recovery_codes(by, PASSWORD, ada.code())
    assert not set(fresh) & set(ada.codes)
    with pytest.raises(AuthenticationFailed):
        await ada.sign_in(code=ada.codes[0])
    await ada.sign_in(code=fresh[0])


async def test_an_account_that_is_removed_is_out_at_once(ada: Person) -> None:
    """And may be made anew."""
    by = await ada.sign_in()
    await ada.accounts.remove(LOCAL, "ada")
    ada.scene.clock.now_us += HALF_MINUTE_US
    with pytest.raises(AuthenticationFailed):
        await ada.sign_in()
    with pytest.raises(AuthenticationFailed):
        ada.scene.office.proven_still(by)
    with pytest.raises(NotFound):
        await ada.accounts.remove(LOCAL, "ada")
    assert ada.accounts.all(LOCAL) == ()
    await ada.set_up()


async def test_accounts_take_an_administrator_and_are_peoples(scene: Scene) -> None:
    """Not even one's own: whoever has a person's secret must not get at a way in that lasts."""
    accounts = scene.office.local_accounts
    for by in (scene.operator("alice"), scene.operator("eve")):
        with pytest.raises(NotPermitted):
            await accounts.link(by, "alice")
        with pytest.raises(NotPermitted):
            await accounts.remove(by, "alice")
        with pytest.raises(NotPermitted):
            accounts.all(by)
    await scene.office.principals.add(LOCAL, PrincipalKind.SERVICE, "etl")
    for name in ("report-bot", "etl"):
        with pytest.raises(Conflict):
            await accounts.link(LOCAL, name)
    with pytest.raises(NotFound):
        await accounts.link(LOCAL, "nobody")


async def test_who_is_deactivated_does_not_sign_in(ada: Person) -> None:
    """Nor with a link that is open."""
    made = await ada.accounts.link(LOCAL, "ada")
    await ada.scene.office.principals.suspend(LOCAL, "ada", "gone")
    with pytest.raises(AuthenticationFailed):
        await ada.sign_in()
    with pytest.raises(AuthenticationFailed):
        ada.accounts.begin(made.token)
    await ada.scene.office.principals.resume(LOCAL, "ada")
    await ada.sign_in()


async def test_accounts_can_be_switched_off(ada: Person) -> None:
    """For all, or for all but those named; who is in is out."""
    by = await ada.sign_in()
    office = ada.scene.office
    for people in ("none", ("eve",)):
        settings = LocalAccountSettings(people)
        office.sign_ins._local_allowed = settings.allows
        office.local_accounts._settings = settings
        ada.scene.clock.now_us += HALF_MINUTE_US
        with pytest.raises(AuthenticationFailed):
            await ada.sign_in()
        with pytest.raises(AuthenticationFailed):
            office.proven_still(by)
        with pytest.raises(Conflict):
            await ada.accounts.link(LOCAL, "ada")
    await office.local_accounts.link(LOCAL, "eve")
    for sign_in in ada.scene.store.sign_ins.live():
        await office.sign_ins.look_at(sign_in)
    assert ada.scene.store.sign_ins.live() == ()
    assert acts(ada.scene, "sign-in.") == ["sign-in.opened", "sign-in.ended"]


async def test_nothing_changes_without_the_log(ada: Person) -> None:
    """No link, no account, no sign-in, no password."""
    by = await ada.sign_in()
    before = ada.scene.store.local_accounts.of(ada.scene.principal("ada").id)
    ada.scene.clock.now_us += HALF_MINUTE_US
    ada.scene.gateway.append_error = "the disk is full"
    with pytest.raises(AuditUnavailable):
        await ada.sign_in(code=ada.codes[0])
    with pytest.raises(AuditUnavailable):
        await ada.accounts.link(LOCAL, "ada")
    with pytest.raises(AuditUnavailable):
        await ada.accounts.remove(LOCAL, "ada")
    with pytest.raises(AuditUnavailable):
        await ada.accounts.change_password(by, PASSWORD, ada.code(), "quite another phrase")
    after = ada.scene.store.local_accounts.of(ada.scene.principal("ada").id)
    assert before is not None
    assert after is not None
    assert (after.password, json.loads(after.recovery)) == (before.password, json.loads(before.recovery))


@pytest.mark.parametrize(
    ("password", "is_good"),
    [
        ("short", False),
        ("aaaaaaaaaaaaaaaa", False),
        ("abcabcabcabcabc", False),
        ("ada is my name, and easy", False),
        ("doorward doorward", False),
        ("x" * 201, False),
        ("correct horse battery", True),
        ("пароль из слов", True),
    ],
)
def test_easy_passwords_are_refused(password: str, is_good: bool) -> None:
    """A code goes with it, so there are no rules on kinds of letters."""
    if is_good:
        check_password(password, "ada")
        return
    with pytest.raises(InvalidRequest) as refused:
        check_password(password, "ada")
    assert password not in str(refused.value)


def test_an_accent_has_one_spelling() -> None:
    """Composed or not; and a verifier that is damaged is nobody's password."""
    verifier = verifier_of("caf\u00e9 au lait, please", b"k" * 32)
    assert is_password(verifier, "cafe\u0301 au lait, please", b"k" * 32)
    assert not is_password("damaged", "cafe\u0301 au lait, please", b"k" * 32)
    assert not is_password(passwords.NOBODYS, "", b"")


@given(st.text(max_size=40), st.integers(0, 10**12), st.integers(-1, 10**6))
def test_no_text_is_a_code_by_luck(code: str, now_s: int, last_step: int) -> None:
    """Only one of the three of now, and later than the last."""
    key = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    found = step_of(key, code, now_s * 1_000_000, last_step)
    right = {pyotp.TOTP(key).generate_otp(step): step for step in range(max(0, now_s // 30 - 1), now_s // 30 + 2)}
    assert found == (right.get(code) if right.get(code, -1) > last_step else None)


@given(st.text(max_size=60))
def test_no_text_is_a_recovery_code_by_luck(text: str) -> None:
    """Whatever is typed."""
    codes = fresh_recovery_codes()
    assert digest_of(text, b"k") not in {digest_of(code, b"k") for code in codes}
    assert fresh_key() != fresh_key()
