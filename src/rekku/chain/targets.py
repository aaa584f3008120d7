"""Where an action may write to: interface, target and thread, resolved to one known chat that the person may reach."""

from collections.abc import Sequence

from rekku.chain.permission import Rules
from rekku.core.errors import ActionError
from rekku.core.message import Conversation
from rekku.core.principal import Principal
from rekku.store.people import Chat, People

SHOWN = 5


class Targets:
    """Resolves targets for the person of a turn. What a person may not reach is not even named to the model."""

    def __init__(self, people: People, rules: Rules) -> None:
        self._people = people
        self._rules = rules

    async def resolve(
        self, who: Principal, here: Conversation, interface: str | None, target: str | None, thread_id: str | None
    ) -> Conversation:
        """The one conversation that is meant; all absent means `here`. Raises ActionError."""
        if not target and interface in (None, "", here.interface):
            return Conversation(here.interface, here.chat_id, here.thread_id if thread_id is None else thread_id)
        reachable = [c for c in await self._reachable(who, here) if not interface or c.where.interface == interface]
        found = [chat for chat in reachable if _matches(chat, target, who)]
        exact = [chat for chat in found if target and target.strip() in _addresses(chat)]
        exact = exact or await self._tagged(reachable, target)
        chats = {(c.where.interface, c.where.chat_id): c for c in exact or found}
        if not chats:
            raise ActionError(_nothing(interface, target, who))
        if len(chats) > 1:
            names = ", ".join(_shown(chat) for chat in list(chats.values())[:SHOWN])
            raise ActionError(f"payload.target is ambiguous; name one of: {names}")
        (chat,) = chats.values()
        where = Conversation(chat.where.interface, chat.where.chat_id, thread_id or "")
        if not self._rules.lets_write_elsewhere and (where.interface, where.chat_id) != (here.interface, here.chat_id):
            raise ActionError("messages to other chats are not permitted: they are switched off (RESTRICT_ACTIONS)")
        return where

    async def _reachable(self, who: Principal, here: Conversation) -> Sequence[Chat]:
        chats = await self._people.chats()
        if who.is_trainer:
            return chats
        own = [c for c in chats if c.direct and c.person_id == who.person_id]
        return own + [c for c in chats if (c.where.interface, c.where.chat_id) == (here.interface, here.chat_id)]

    async def _tagged(self, chats: Sequence[Chat], target: str | None) -> list[Chat]:
        """The direct chats of whoever has the @tag; on most platforms only one person can, unlike a name."""
        tag = (target or "").strip()
        if not tag.startswith("@"):
            return []
        meant = {
            (account.interface, person.person_id)
            for person in await self._people.known(tag)
            for account in person.accounts
            if account.user.tag.casefold() == tag[1:].casefold()
        }
        return [chat for chat in chats if chat.direct and (chat.where.interface, chat.person_id) in meant]


def _matches(chat: Chat, target: str | None, who: Principal) -> bool:
    if not target:
        return chat.direct and chat.person_id == who.person_id
    wanted = target.strip()
    return wanted in _addresses(chat) or wanted.lstrip("@#").casefold() == chat.name.lstrip("@#").casefold() != ""


def _addresses(chat: Chat) -> tuple[str, str]:
    """What means this chat and no other, whatever others are called."""
    return chat.where.chat_id, f"{chat.where.interface}:{chat.where.chat_id}"


def _shown(chat: Chat) -> str:
    name = f" ({chat.name})" if chat.name else ""
    return f"{chat.where.interface}:{chat.where.chat_id}{name}"


def _nothing(interface: str | None, target: str | None, who: Principal) -> str:
    where = f" on {interface}" if interface else ""
    what = f"no chat {target!r}{where} is known" if target else f"no chat{where} is known"
    limit = "" if who.is_trainer else " to this person; leave interface and target out to answer here"
    return f"payload.target: {what}{limit}"
