"""Whom an operator trusts to say who somebody is: ``identity.toml`` in the data directory, read strictly.

[issuers.github]
kind = "github"
audience = "doorward"

[[workloads]]
service = "nightly-etl"
issuer = "github"
claims = { repository = "acme/shop", ref = "refs/heads/main" }
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from doorward.authentication.tokens import MOST_LEEWAY_SECONDS, Expected
from doorward.control.fetching import check_address
from doorward.control.local_account_settings import LocalAccountSettings, check_local_accounts
from doorward.control.scim_settings import ScimSettings
from doorward.control.sign_in_settings import SignInSettings, check_sign_in
from doorward.errors import ConfigurationInvalid

FILE_NAME = "identity.toml"
Claims = dict[str, str | tuple[str, ...]]


class IssuerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An issuer of tokens for programs. *kind* says what its tokens look like; *audience* is what they must be made for.

    Keys come from *jwks_file*, else *jwks_url*, else from where the issuer itself says. *single_use* takes each token once.
    """

    kind: Literal["github", "gitlab", "kubernetes", "spiffe", "generic"]
    audience: str | tuple[str, ...]
    issuer: str = ""
    trust_domain: str = ""
    jwks_file: str = ""
    jwks_url: str = ""
    ca_file: str = ""
    leeway_seconds: int = 60
    longest_seconds: int = 86_400
    single_use: bool = False


class WorkloadRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token of *issuer* whose *claims* all match is *service*. Several values are alternatives; see ``matches``."""

    service: str
    issuer: str
    claims: Claims


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    issuers: dict[str, IssuerSettings] = {}
    workloads: tuple[WorkloadRule, ...] = ()
    sign_in: SignInSettings | None = None
    scim: ScimSettings | None = None
    local_accounts: LocalAccountSettings = LocalAccountSettings()


@dataclass(frozen=True, slots=True)
class IssuerKind:
    """What the tokens of a kind of issuer are like.

    *proof* are the claims that go into the record, by the names that they have there. A rule must match one of
    *telling*: other claims anybody can get from an issuer that the whole world shares.
    """

    issuer: str
    proof: Mapping[str, str]
    telling: tuple[str, ...]


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


KINDS: Mapping[str, IssuerKind] = {
    "github": IssuerKind(
        "https://token.actions.githubusercontent.com",
        _same(
            *("repository", "ref", "sha", "workflow", "job_workflow_ref"),
            *("run_id", "run_attempt", "environment", "actor", "event_name"),
        ),
        ("repository", "repository_id", "job_workflow_ref", "sub"),
    ),
    "gitlab": IssuerKind(
        "https://gitlab.com",
        _same(
            *("project_path", "ref", "sha", "pipeline_id", "pipeline_source"),
            *("job_id", "environment", "user_login", "ci_config_ref_uri"),
        ),
        ("project_path", "project_id", "sub"),
    ),
    "kubernetes": IssuerKind(
        "",
        {
            "namespace": "kubernetes.io/namespace",
            "service_account": "kubernetes.io/serviceaccount/name",
            "pod": "kubernetes.io/pod/name",
            "node": "kubernetes.io/node/name",
        },
        ("kubernetes.io/namespace", "kubernetes.io/serviceaccount/uid", "sub"),
    ),
    "spiffe": IssuerKind("", {"spiffe_id": "sub"}, ("sub",)),
    "generic": IssuerKind("", {}, ()),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """Everything in the file. The empty one trusts nobody."""

    issuers: Mapping[str, IssuerSettings]
    workloads: tuple[WorkloadRule, ...] = ()
    sign_in: SignInSettings | None = None
    scim: ScimSettings | None = None
    local_accounts: LocalAccountSettings = field(default_factory=LocalAccountSettings)

    def expected(self, name: str) -> Expected:
        """What a token of issuer *name* must be."""
        settings = self.issuers[name]
        return Expected(
            settings.issuer,
            frozenset(several(settings.audience)),
            leeway_seconds=settings.leeway_seconds,
            longest_seconds=settings.longest_seconds,
        )


TRUSTS_NOBODY = IdentitySettings({})


def read_identity_settings(text: str) -> IdentitySettings:
    """The settings in *text*. Raises ConfigurationInvalid, naming what is wrong; nothing of it is taken then."""
    try:
        read = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _invalid(f"it can't be read: {error}") from None
    issuers = {name: _issuer(name, settings) for name, settings in read.issuers.items()}
    addresses = [settings.issuer for settings in issuers.values()]
    if len(set(addresses)) != len(addresses):
        raise _invalid("two issuers have one address")
    for rule in read.workloads:
        _check_rule(rule, issuers)
    if read.sign_in is not None:
        check_sign_in(read.sign_in)
    if read.scim is not None:
        read.scim.token()
    check_local_accounts(read.local_accounts)
    return IdentitySettings(issuers, read.workloads, read.sign_in, read.scim, read.local_accounts)


def read_identity_file(path: Path) -> IdentitySettings:
    """The settings in *path*, which need not exist. Raises ConfigurationInvalid."""
    try:
        return read_identity_settings(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return TRUSTS_NOBODY
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationInvalid(f"{path} can't be read: {error}.", "Make it readable UTF-8.") from None


def _issuer(name: str, settings: IssuerSettings) -> IssuerSettings:
    kind = KINDS[settings.kind]
    issuer = settings.issuer or kind.issuer
    if not issuer:
        raise _invalid(f"the issuer {name} has no address: give issuer")
    if settings.kind == "spiffe" and not re.fullmatch(r"[a-z0-9._-]+", settings.trust_domain):
        raise _invalid(f"the issuer {name} has no trust_domain, such as prod.example.com")
    if not settings.audience or "" in several(settings.audience):
        raise _invalid(f"the issuer {name} has no audience: tokens for others would be taken for ours")
    if not 0 <= settings.leeway_seconds <= MOST_LEEWAY_SECONDS:
        raise _invalid(f"leeway_seconds of the issuer {name} is not from 0 to {MOST_LEEWAY_SECONDS}")
    if not 60 <= settings.longest_seconds <= 31 * 86_400:
        raise _invalid(f"longest_seconds of the issuer {name} is not from a minute to 31 days")
    if settings.jwks_url:
        check_address(settings.jwks_url)
    elif not settings.jwks_file:
        check_address(issuer)
    return msgspec.structs.replace(settings, issuer=issuer)


def _check_rule(rule: WorkloadRule, issuers: Mapping[str, IssuerSettings]) -> None:
    issuer = issuers.get(rule.issuer)
    if issuer is None:
        raise _invalid(f"the rule for {rule.service} names the issuer {rule.issuer}, of which there is none")
    if not rule.claims or any(not wanted or "" in several(wanted) for wanted in rule.claims.values()):
        raise _invalid(f"the rule for {rule.service} asks for no claims, or for an empty one: any token would do")
    telling = KINDS[issuer.kind].telling
    if telling and set(telling).isdisjoint(rule.claims):
        raise _invalid(f"the rule for {rule.service} must ask for one of {', '.join(telling)}")
    for wanted in rule.claims.values():
        for pattern in several(wanted):
            if not pattern.strip("*/:"):
                raise _invalid(f"the rule for {rule.service} asks for {pattern!r}, which anything is")


def several(given: str | tuple[str, ...]) -> tuple[str, ...]:
    """One text or several, as several."""
    return (given,) if isinstance(given, str) else given


def matches(pattern: str, value: str) -> bool:
    """Whether *value* is *pattern*, in which ``*`` stands for anything but ``/`` and ``:``, and ``**`` for anything at all."""
    parts = re.split(r"(\*\*?)", pattern)
    wild = {"*": "[^/:]*", "**": ".*"}
    return re.fullmatch("".join(wild.get(part, re.escape(part)) for part in parts), value, re.DOTALL) is not None


def _invalid(why: str) -> ConfigurationInvalid:
    return ConfigurationInvalid(
        f"{FILE_NAME} can't be used: {why}.", "See docs/identity-providers.md; nothing of it is in force."
    )
