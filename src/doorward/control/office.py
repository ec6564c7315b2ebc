"""The office: all control functions over one store, one link and one log. What the doors use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from doorward import __version__
from doorward.approvals.eligibility import not_asked
from doorward.audit.day_keys import DayKeys
from doorward.audit.sealing import Opener
from doorward.clock import new_id, now_us
from doorward.control.access import Accesses
from doorward.control.agents import Agents
from doorward.control.api_keys import ApiKeys
from doorward.control.brought_answers import BroughtAnswers
from doorward.control.catalog import Catalog
from doorward.control.changes import Changes
from doorward.control.clock_watch import ClockWatch, steady_us
from doorward.control.coverage import Coverage
from doorward.control.delegations import Delegations
from doorward.control.desk import Desk, MayApprove, Question
from doorward.control.devices import Devices
from doorward.control.effects import Effect, Effects, Querying
from doorward.control.explaining import Describe, Explaining, describe_at
from doorward.control.feed import Feed, Topic
from doorward.control.gateway_link import GatewayLink
from doorward.control.identity_settings import TRUSTS_NOBODY, IdentitySettings
from doorward.control.local_accounts import LocalAccounts
from doorward.control.log_keys import LogKeys
from doorward.control.lookup import Directory
from doorward.control.newcomers import Newcomers
from doorward.control.notices import Notices
from doorward.control.on_call import OnCall
from doorward.control.operators import Operator
from doorward.control.people import People
from doorward.control.policies import Policies
from doorward.control.principals import Principals
from doorward.control.probing import Probing
from doorward.control.projection.finding import Finder
from doorward.control.provider import Provider
from doorward.control.queue import Queue
from doorward.control.record import LogReading, Record
from doorward.control.reviews import Reviews
from doorward.control.scim_settings import ScimSettings
from doorward.control.secrets import Secrets
from doorward.control.sessions import Sessions
from doorward.control.sign_in_codes import Codes
from doorward.control.sign_ins import SignIns
from doorward.control.workloads import Workloads
from doorward.model import link as messages
from doorward.model.approval import ApprovalRequest, RequestState
from doorward.model.notice import Notice
from doorward.model.upstream import Upstream
from doorward.policy.load import default_texts
from doorward.store.repositories import Store


@dataclass(frozen=True, slots=True)
class Address:
    """Where clients reach the gateway."""

    host: str
    port: int
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """The state of things, in numbers. *shadow* is the version of candidate rules that are asked beside those in force."""

    version: str
    gateway_connected: bool
    log_entries: int
    sessions: int
    pending: int
    upstreams: tuple[str, ...]
    address: Address
    shadow: str = ""
    shadow_differences: dict[str, int] = field(default_factory=dict)
    broken_glass: int = 0
    unreviewed_glass: int = 0


class Office:
    """Bundles the control functions and listens to gateways.

    *catalog_touched* is told the name of an upstream whose catalog has to be read again. *rules* are those that count while
    nothing is published, *observed* the upstreams that are only watched, *shadow* candidate rules. *keys* are those of the
    log. *identity* says whose tokens are believed, *workers* how many gateways there are. *notify* takes what is to be told
    outside; it never waits.
    """

    def __init__(
        self,
        store: Store,
        gateway: GatewayLink,
        log: LogReading,
        address: Address,
        *,
        index: Finder | None = None,
        keys: DayKeys,
        identity: IdentitySettings = TRUSTS_NOBODY,
        may_approve: MayApprove = not_asked,
        rules: Mapping[str, str] | None = None,
        observed: frozenset[str] = frozenset(),
        shadow: Mapping[str, str] | None = None,
        describe: Describe = describe_at,
        catalog_touched: Callable[[str], None] = lambda upstream: None,
        workers: int = 1,
        now: Callable[[], int] = now_us,
        new_id: Callable[[str], str] = new_id,
        steady: Callable[[], int] = steady_us,
        freshen: Callable[[str], Awaitable[None]] | None = None,
        connect: Callable[[str], Querying | None] = lambda _upstream: None,
        notify: Callable[[Notice], None] = lambda _notice: None,
    ) -> None:
        self._store = store
        self._gateway = gateway
        self._on_catalog_touched = catalog_touched
        self.address = address
        self.now = now
        self.feed = Feed(log.size)
        changes = self._changes = Changes(gateway, now)
        self._clock = ClockWatch(now, steady)
        self.policies = Policies(
            store, changes, gateway.configure, now, rules if rules is not None else default_texts(), observed, shadow
        )
        self.principals = Principals(store, changes, gateway, now, new_id)
        self.secrets = Secrets(store, changes, self.principals, gateway, now, new_id)
        self.workloads = Workloads(identity, store, now)
        self.api_keys = ApiKeys(store, changes, self.principals, self.secrets, self.workloads, now)
        self.agents = Agents(store, changes, self.principals, gateway, now, new_id, workers)
        provider = Provider(identity.sign_in, lambda: now() / 1_000_000) if identity.sign_in is not None else None
        newcomers = Newcomers(identity.sign_in, store, self.principals) if identity.sign_in is not None else None
        self.sign_ins = SignIns(store, changes, newcomers, provider, gateway, now, new_id, identity.local_accounts.allows)
        self.local_accounts = LocalAccounts(
            identity.local_accounts,
            store,
            changes,
            self.principals,
            self.sign_ins,
            lambda: keys.lasting("accounts"),
            now,
        )
        self.delegations = Delegations(store, changes, self.secrets, self.workloads, self.agents, self.sign_ins, now, new_id)
        self.directory = Directory(store, self.secrets, self.workloads, self.agents, self.delegations, now)
        self.scim = identity.scim
        self.people = People(identity.scim or ScimSettings(""), store, self.principals, self.sign_ins, now, new_id)
        self.codes = Codes(now)
        self.devices = Devices(self.sign_ins, now)
        self.sessions = Sessions(lambda: self.feed.publish(Topic.SESSIONS))
        self.on_call = OnCall(store, changes, self.principals, now, new_id, self._requests_changed)
        notices = self.notices = Notices(notify, now, new_id)
        self.desk = Desk(
            store,
            changes,
            gateway,
            may_approve,
            now,
            self._requests_changed,
            self.on_call.stand_ins,
            freshen,
            notices.of_request,
        )
        self.queue = Queue(store, self.desk)
        self.answers = BroughtAnswers(changes, self.principals, self.desk)
        self.effects = Effects(lambda name: self.catalog.snapshots.get(name), connect, self._requests_changed)
        self.accesses = Accesses(
            store, changes, gateway, self.principals, self.desk, now, new_id, self._requests_changed, notices.of_glass
        )
        self.catalog = Catalog(
            store, changes, gateway.configure, now, lambda: self.feed.publish(Topic.CATALOG), catalog_touched
        )
        self.explaining = Explaining(store, self.catalog, self.directory, lambda: self.policies.policy, describe)
        self.coverage = Coverage(store, changes, index, now)
        self.record = Record(log, index, Opener(keys.key_if_any).readable)
        self.probing = Probing(store, changes, self.principals, self.secrets, self.record, self._door, now, new_id)
        self.reviews = Reviews(store, changes, self.principals, self.secrets, now, new_id)
        self.log_keys = LogKeys(keys, changes, gateway.configure, now)

    def begin(self) -> None:
        """Have at hand what gateways need from the start. Raises ConfigurationInvalid."""
        self.log_keys.begin()

    async def turn_day(self) -> None:
        """Do what a day begins with, if it began, and look at the clock. To be called every few seconds.

        Raises DoorwardError; the next call tries again.
        """
        jump_us = self._clock.jumped_us()
        if jump_us:
            # Entries keep their order; what their times say across this point has to be read with it.
            await self._changes.note("clock.jumped", "the wall clock", by_ms=str(jump_us // 1_000))
        await self.log_keys.turn()

    async def signed_in(self, by: Operator, address: str) -> None:
        """Put in the log that *by* came to the console with a secret. Raises AuditUnavailable; nobody gets in then."""
        await self._changes.record(by, "console.signed_in", by.name, address=address)

    async def not_signed_in(self, name: str, address: str) -> None:
        """Put in the log that somebody tried, with the name that was claimed. Raises AuditUnavailable."""
        await self._changes.note("console.signin_refused", name[:63].encode(errors="replace").decode(), address=address)

    async def taken_up(self, **details: str) -> None:
        """Put in the log what Doorward runs with from here on. Raises AuditUnavailable."""
        await self._changes.note("configuration.taken_up", __version__, **details)

    async def open(self) -> None:
        """Let gateways connect."""
        self.desk.withdraw_left_over()
        await self._gateway.start(self)

    async def close(self) -> None:
        """Let the gateways go. The store is its opener's to close."""
        await self.effects.close()
        await self._gateway.close()

    async def evidence_asked(self, by: Operator, name: str) -> None:
        """Put in the log that *by* has a pack of evidence made: it tells of everybody."""
        by.require_administration()
        async with self._changes.turn():
            await self._changes.record(by, "evidence.asked", name)

    def _door(self) -> tuple[str, int]:
        """Where this machine's own clients reach the gateway."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.address.host, self.address.host)  # noqa: S104 - no binding
        return host, self.address.port

    def _requests_changed(self) -> None:
        self.feed.publish(Topic.REQUESTS)

    def proven_still(self, by: Operator) -> Operator:
        """*by* with the rights of now. Raises AuthenticationFailed once what they signed in with is good no more."""
        return self.sign_ins.still(by) if by.sign_in_id else self.secrets.proven_still(by)

    def status(self, by: Operator) -> Status:
        """The state of things, as far as *by* may see it."""
        return Status(
            version=__version__,
            gateway_connected=self._gateway.is_connected,
            log_entries=self.record.size(),
            sessions=len(self.sessions.live(by)),
            pending=len(self.desk.questions(by, RequestState.PENDING)),
            upstreams=tuple(upstream.name for upstream in self._store.upstreams.all()),
            address=self.address,
            shadow=self.policies.shadow.version if self.policies.shadow else "",
            shadow_differences=self.policies.shadow_differences(),
            broken_glass=len(self.accesses.broken_glass()),
            unreviewed_glass=len(self.accesses.unreviewed()),
        )

    def upstreams(self) -> tuple[Upstream, ...]:
        """The protected upstreams, passwords included: for the gateway's configuration, never for a door."""
        return self._store.upstreams.all()

    # --- GatewayListener ------------------------------------------------------------------------------------------

    def lookup(self, question: messages.Lookup) -> messages.Found:
        """Who it is, and how they prove it."""
        return self.directory.lookup(question)

    async def shown(self, question: messages.Shown) -> messages.Found:
        """Whether a password in clear proves who it is."""
        return await self.directory.shown(question)

    def asked(self, gateway: int, request: ApprovalRequest) -> None:
        """An execution is held."""
        self.desk.asked(gateway, request)
        self.effects.begin(request)

    def effect_for(self, by: Operator, question: Question) -> Effect | None:
        """What *question* would probably do, for those who answer and those who read all.

        Never for who asks: counts of rows would tell them what masks hide.
        """
        request = question.record.request
        is_party = by.principal is not None and by.principal.id in request.parties
        if is_party or not (question.may_answer or by.may_read_all):
            return None
        return self.effects.of(request.id)

    def settled(self, request_id: str, state: str) -> None:
        """A request ended on the gateway's side."""
        self.desk.settled(request_id, state)

    def session_noted(self, gateway: int, note: messages.SessionNote) -> None:
        """A session opened, moved or closed."""
        self.sessions.noted(gateway, note)
        if note.credential.startswith("crd"):
            self.secrets.used(note.credential)

    def shadow_differed(self, before: str, after: str) -> None:
        """Candidate rules would decide otherwise."""
        self.policies.shadow_differed(before, after)

    def catalog_touched(self, upstream: str) -> None:
        """The catalog has to be read again."""
        self._on_catalog_touched(upstream)

    def gateway_lost(self, gateway: int) -> None:
        """Its sessions and holds ended with it."""
        self.sessions.gateway_lost(gateway)
        self.desk.gateway_lost(gateway)
