"""Commands about people: /allow, /block, /unblock, /block_list, /last_chats, /forgetme."""

from rekku.chain.road import Road
from rekku.core.commands import Command, CommandCall
from rekku.core.errors import ActionError
from rekku.core.principal import Role
from rekku.housekeeping import forget
from rekku.store.people import Account


def people_commands(road: Road) -> list[Command]:
    """The commands of this file."""

    async def set_role(call: CommandCall, role: Role) -> str:
        account = await _one(road, call.text, call.name)
        if road.people.is_trainer(account):
            return "That is the trainer, whose role stands in TRAINER_IDS."
        await road.people.set_role(account, role)
        return f"{_name(account)} is {role.word} now."

    async def allow(call: CommandCall) -> str:
        return await set_role(call, Role.KNOWN)

    async def block(call: CommandCall) -> str:
        return await set_role(call, Role.BLOCKED)

    async def unblock(call: CommandCall) -> str:
        return await set_role(call, Role.UNKNOWN)

    async def block_list(_: CommandCall) -> str:
        blocked = [a for a in await road.people.accounts() if a.role == Role.BLOCKED.word]
        return "\n".join(_name(account) for account in blocked) or "Nobody is blocked."

    async def last_chats(_: CommandCall) -> str:
        chats = await road.people.chats(20)
        lines = [f"{c.where}  {c.name or '-'}  {c.active_at:%Y-%m-%d %H:%M} UTC" for c in chats]
        return "\n".join(lines) or "I have not talked with anybody yet."

    async def forget_me(call: CommandCall) -> str:
        return await _forget(road, call)

    return [
        Command("allow", "Make a person known.", allow, usage="PERSON"),
        Command("block", "Do not listen to a person any more.", block, usage="PERSON"),
        Command("unblock", "Listen to a person again.", unblock, usage="PERSON"),
        Command("block_list", "Who is blocked.", block_list),
        Command("last_chats", "Where I talked last.", last_chats),
        Command("forgetme", "Erase everything that I keep about you.", forget_me, Role.UNKNOWN, "[yes]"),
    ]


async def _one(road: Road, text: str, command: str) -> Account:
    """The one account that a text means. An interface:id that never wrote is made known."""
    if not text:
        raise ActionError(f"write /{command} PERSON, as interface:id, @tag or name")
    interface, _, user = text.partition(":")
    if user and interface in {c.name for c in road.registry}:
        return await road.people.add_account(interface, user)  # what somebody calls himself is no address
    found = await road.people.find(text)
    persons = {account.person_id for account in found}
    if len(persons) == 1:
        return found[0]
    if persons:
        raise ActionError("several people are meant; write one of " + ", ".join(map(_name, found)))
    raise ActionError(f"I know nobody called {text!r}; write interface:id")


async def _forget(road: Road, call: CommandCall) -> str:
    dry_run = call.text.lower() != "yes"
    async with road.people.moving:
        person = (await road.people.by_now(call.principal)).person_id
        if not dry_run and not road.inbox.forget(person):
            return "I am still busy with a message of yours. Wait for it, or /cancel it, and write /forgetme yes again."
        counts, failed = await forget(road.registry, road.people, person, dry_run)
    listing = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nothing"
    trouble = f" These could not do it and must be asked again: {', '.join(failed)}." if failed else ""
    if dry_run:
        return f"I keep about you: {listing}. Write /forgetme yes to erase it for good.{trouble}"
    return f"Erased: {listing}.{trouble}"


def _name(account: Account) -> str:
    return f"{account.interface}:{account.user_id}" + (f" ({account.name})" if account.name else "")
