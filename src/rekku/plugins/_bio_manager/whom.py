"""Whom a text means: by id, @tag or name on any account, or by a nickname out of the bios."""

from collections.abc import Iterable
from dataclasses import dataclass

from rekku.core.audience import Audience, audience_of
from rekku.core.errors import ActionError
from rekku.core.host import Host
from rekku.core.message import Message
from rekku.core.people import Person
from rekku.core.principal import Principal
from rekku.plugins._bio_manager.facts import for_audience
from rekku.plugins._bio_manager.table import Bio, nicknames, read_bio

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Whom:
    """The person that is meant; `person_id` is "" if it is nobody who may be named here."""

    person_id: str
    name: str


async def find(host: Host, text: str, principal: Principal, message: Message) -> Whom:
    """The one person that is meant, "" being who is talking.

    Raises ActionError that says what to write instead. Only the owner learns who there is: for others, somebody of
    whom nothing may be told in this chat is nobody.
    """
    text = text.strip()
    if not text:
        return Whom(principal.person_id, principal.name)
    audience = audience_of(message, principal)
    found = {person.person_id: person for person in await candidates(host, text, audience)}
    own_part = not found and text.casefold() in principal.name.casefold().split()
    if own_part or (principal.person_id in found and (not principal.is_trainer or len(found) == 1)):
        return Whom(principal.person_id, principal.name)
    here = [p for p in found.values() if _has_id(p, message.conversation.interface, text)]
    if len(here) == 1:
        found = {here[0].person_id: here[0]}
    if not principal.is_trainer:
        found = {who: person for who, person in found.items() if await _may_be_named(host, who, audience)}
    if len(found) == 1:
        (person,) = found.values()
        return Whom(person.person_id, person.name)
    if found:
        names = ", ".join(shown(person) for person in list(found.values())[:SHOWN])
        raise ActionError(f"payload.person: several people are called {text!r}; write one of: {names}")
    if principal.is_trainer:
        raise ActionError(f"payload.person: nobody called {text!r} is known; /people lists everybody for the owner")
    return Whom("", text)


async def candidates(host: Host, text: str, audience: Audience | None = None) -> list[Person]:
    """Everybody whom a text may mean; nicknames count if they may be told to the audience (None: all do)."""
    found = await host.people(text)
    if any(text.casefold() == str(account).casefold() for person in found for account in person.accounts):
        return found
    wanted = text.removeprefix("@").casefold()
    called = {
        who
        for who, names in (await nicknames(host.database)).items()
        if any(fact.name == wanted and (audience is None or fact.may_be_told(audience)) for fact in names)
    }
    called -= {person.person_id for person in found}
    return found + [person for person in await host.people() if person.person_id in called] if called else found


def shown(person: Person) -> str:
    """A person with their accounts, as the owner reads it."""
    return f"{person.name} ({', '.join(map(str, person.accounts))})"


def count_told(bio: Bio, audience: Audience) -> int:
    """How many facts of a bio these people may hear."""
    return sum(map(len, for_audience(bio.facts, audience).values()))


async def _may_be_named(host: Host, person_id: str, audience: Audience) -> bool:
    bio = await read_bio(host.database, person_id)
    return bio is not None and count_told(bio, audience) > 0


def _has_id(person: Person, interface: str, text: str) -> bool:
    own: Iterable[str] = (a.user.id for a in person.accounts if a.interface == interface)
    return text in own
