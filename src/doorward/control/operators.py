"""Who calls the control functions, and what that person may do."""

from __future__ import annotations

from dataclasses import dataclass

from doorward.errors import NotPermitted
from doorward.model.identity import Principal, PrincipalKind

LOCAL_NAME = "operator"
ADMINS = "admins"  # may change anything
AUDITORS = "auditors"  # may read everything


@dataclass(frozen=True, slots=True)
class Operator:
    """A caller: a signed-in person, or (*principal* None) the local operator, who owns the data directory.

    The local operator administers and reads, and never approves: an approval is a named person's. *credential_id* is the
    secret that a person showed; *sign_in_id* the sign-in that they are in, until *ends_us*. *acts_as* names what changes things
    on the operator's behalf.
    """

    principal: Principal | None
    credential_id: str = ""
    sign_in_id: str = ""
    ends_us: int = 0
    acts_as: str = ""

    @property
    def name(self) -> str:
        """What the log calls the caller."""
        return self.principal.name if self.principal else self.acts_as or LOCAL_NAME

    @property
    def may_administer(self) -> bool:
        """Whether the caller may change principals, secrets and labels."""
        return self.principal is None or self._is_human_in(ADMINS)

    @property
    def may_read_all(self) -> bool:
        """Whether the caller sees what others did; everyone sees what was done by them or for them."""
        return self.may_administer or self._is_human_in(AUDITORS)

    def require_administration(self) -> None:
        """Raise NotPermitted unless the caller may administer."""
        if not self.may_administer:
            raise NotPermitted(f"{self.name} may not change this.", f"Ask a member of the group {ADMINS!r}.")

    def _is_human_in(self, group: str) -> bool:
        return self.principal is not None and self.principal.kind is PrincipalKind.HUMAN and group in self.principal.groups


def is_own(by: Operator, named: Principal) -> bool:
    """Whether *named* is who has signed in, or an agent of theirs."""
    if by.principal is None or by.principal.kind is not PrincipalKind.HUMAN:
        return False
    return named.id == by.principal.id or named.acting_for == by.principal.name


LOCAL = Operator(None)
# Who shows a proof of another kind than a sign-in, and may nothing before that holds. No principal has this name.
NOBODY = Operator(Principal("", PrincipalKind.SERVICE, ""))
