"""People, as components see them."""

from dataclasses import dataclass

from rekku.core.message import User
from rekku.core.principal import Role


@dataclass(frozen=True, slots=True)
class Account:
    """One account of a person on one interface."""

    interface: str
    user: User

    def __str__(self) -> str:
        return f"{self.interface}:{self.user.id}"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom Rekku has met, with all accounts that are theirs; `person_id` is that of `Principal`."""

    person_id: str
    role: Role
    accounts: tuple[Account, ...]

    @property
    def name(self) -> str:
        """A name that their accounts give them, else the id of one."""
        names = (account.user.name or account.user.tag for account in self.accounts)
        return next(filter(None, names), str(self.accounts[0]))
