"""Rekku's diary: what was said, thought and felt in each turn, remembered by whoever may hear it.

Other code calls the functions of this module. They are `async`; a thread calls them with `call_from_thread`:

    from rekku.plugins import ai_diary

    await ai_diary.add_diary_entry("I watered the plants.", context_tags=["home"])
    entries = ai_diary.call_from_thread(ai_diary.get_recent_entries(days=2))

They reach the diary of the Rekku that runs in this process. A script brings one up with `rekku.scripting.call`.
What they return is not filtered by who may hear it; what Rekku remembers in a chat is.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from rekku.core.ai_plugin_base import AIPluginBase
from rekku.core.commands import Command
from rekku.core.core_initializer import PLUGIN_REGISTRY
from rekku.core.errors import PluginError, StoreError
from rekku.core.message import Message
from rekku.core.turn import Turn
from rekku.plugins._ai_diary import keeper, schema
from rekku.plugins._ai_diary.command import USAGE, DiaryCommand
from rekku.plugins._ai_diary.diary import FIELD, Diary
from rekku.plugins._ai_diary.entry import PRIVACIES, PRIVATE, Entry, entry_from
from rekku.plugins._ai_diary.panel import Panel
from rekku.plugins._ai_diary.reply import LONGEST_TAG, MOST_TAGS, SCHEMA, feelings, reflection, texts
from rekku.plugins._ai_diary.settings import SETTINGS
from rekku.plugins._ai_diary.words import BETWEEN, fitting, told

NAME = "ai_diary"
DAY = 24 * 3600.0
SHARE = 8
"""At most the eighth part of a prompt is diary."""

Result = TypeVar("Result")


class DiaryPlugin(AIPluginBase):
    """Writes an entry for each turn that sent something, and brings what matters to mind in the next."""

    settings = SETTINGS
    tables = schema.SCHEMA

    diary: Diary
    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        self.enabled = True

    async def start(self) -> None:
        self.prepare()
        self.host.spawn(self._tidy_up(), "diary clean-up")

    def prepare(self) -> None:
        """Take up the diary of the host; `start` does it, and whoever uses the plugin without starting it."""
        self.diary = Diary(self.host)
        self.loop = asyncio.get_running_loop()

    async def is_enabled(self) -> bool:
        """Whether the owner has it on."""
        self.enabled = await self.diary.state("enabled") != "no"
        return self.enabled

    async def switch(self, on: bool) -> None:
        """Go on recording and remembering, or stop; it stays so after a restart."""
        await self.diary.set_state("enabled", "yes" if on else "no")
        self.enabled = on

    def get_supported_action_types(self) -> Sequence[str]:
        return ["static_inject"]

    def get_reply_fields(self) -> Mapping[str, Any]:
        return {FIELD: SCHEMA}

    async def get_static_injection(
        self, message: Message | None = None, context_memory: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        if message is None:
            return {}
        room = min(self.host.settings["DIARY_CHARACTERS"], self.host.character_budget // SHARE)
        half_life = timedelta(hours=self.host.settings["DIARY_MOOD_HALF_LIFE"])
        past = (context_memory or {}).get(message.conversation.chat_id) or ()
        try:
            if not await self.is_enabled():
                return {}
            facts = await self.diary.comes_to_mind(message, past, room=room, half_life=half_life)
        except StoreError as error:
            self.host.log.warning("Nothing of the diary comes to mind, the database is away: %s", error)
            return {}
        return {FIELD: facts} if facts else {}

    async def on_turn_end(self, turn: Turn) -> None:
        if self.enabled:
            await self.diary.record(turn)

    def get_commands(self) -> Sequence[Command]:
        return [Command("diary", "Read, search, export and delete what I remember.", self._command, usage=USAGE)]

    async def forget_person(self, person_id: str, dry_run: bool) -> Mapping[str, int]:
        spoke, heard = await keeper.forget(self.host.database, person_id, dry_run)
        counts = {"diary entries": spoke, "diary entries that you only heard": heard}
        return {kind: count for kind, count in counts.items() if count or kind == "diary entries"}

    async def merge_person(self, old: str, new: str) -> None:
        await keeper.hand_over(self.host.database, old, new)

    async def count_entries(self) -> int:
        """How many entries there are."""
        return await Diary(self.host).count()

    async def recreate_diary_table(self) -> int:
        """Erase all entries and make the tables anew; how many entries there were."""
        return await Diary(self.host).recreate()

    async def panel(self, deed: str, given: Mapping[str, Any]) -> Any:
        """For the owner's control panel: entries, moods, edit, delete, export."""
        return await Panel(self.diary, self._commands(), self.host.clock).do(deed, given)

    async def _command(self, call: Any) -> str:
        return await self._commands().run(call)

    def _commands(self) -> DiaryCommand:
        return DiaryCommand(self.diary, self, lambda: self.host.folder, self.host.clock)

    async def _tidy_up(self) -> None:
        """Look once a day for what is too old to be kept."""
        while days := self.host.settings["DIARY_KEEP_DAYS"]:
            try:
                count = await self.diary.erase_before(self.host.clock.now() - timedelta(days=days))
            except StoreError as error:
                self.host.log.warning("Old entries stay in the diary for now: %s", error)
            else:
                self.host.log.info("%d entries older than %d days were erased from the diary.", count, days)
            await self.host.clock.sleep(DAY)


async def add_diary_entry(
    content: str,
    personal_thought: str = "",
    emotions: Sequence[Mapping[str, Any] | str] = (),
    interaction_summary: str = "",
    user_message: str = "",
    context_tags: Sequence[str] = (),
    involved_users: Sequence[str] = (),
    interface: str = "",
    chat_id: str | int = "",
    thread_id: str | int = "",
    *,
    privacy: str = PRIVATE,
    present: Sequence[str] = (),
    timestamp: datetime | None = None,
) -> int | None:
    """Write an entry; its number, or None if the diary is off. `emotions` are `[{type, intensity 0-10}]`.

    `present` are the ids of the persons who may hear of it in their direct chats; inside a turn that is, if nothing
    is given, the turn's person. With privacy `chat` the chat may hear of it, with `public` everybody may.
    Raises ValueError for another privacy.
    """
    if privacy not in PRIVACIES:
        raise ValueError(f"privacy must be one of {', '.join(PRIVACIES)}, not {privacy!r}")
    plugin = await _plugin()
    if not await plugin.is_enabled():
        return None
    now = timestamp or plugin.host.clock.now()
    principal = plugin.host.principal
    entry = Entry(
        id=keeper.new_id(now),
        timestamp=now,
        content=content,
        personal_thought=personal_thought,
        emotions=feelings(emotions),
        involved_users=tuple(involved_users),
        interaction_summary=interaction_summary,
        user_message=user_message,
        context_tags=texts(list(context_tags), LONGEST_TAG, MOST_TAGS),
        interface=interface,
        chat_id=str(chat_id),
        thread_id=str(thread_id or ""),
        privacy=privacy,
        present=tuple(present) or ((principal.person_id,) if principal else ()),
    )
    await plugin.diary.keep(entry)
    return entry.id


async def create_personal_diary_entry(
    rekku_response: str,
    user_message: str = "",
    involved_users: Sequence[str] = (),
    context_tags: Sequence[str] = (),
    interface: str = "",
    chat_id: str | int = "",
    thread_id: str | int = "",
    **more: Any,
) -> int | None:
    """Write an entry about something that Rekku said; thought, feelings and summary are made by rules.

    `more` are further arguments of `add_diary_entry`; the result is the same.
    """
    noted = reflection({"tags": list(context_tags)}, user_message, next(iter(involved_users), ""))
    return await add_diary_entry(
        rekku_response,
        noted.thought,
        [{"type": feeling.type, "intensity": feeling.intensity} for feeling in noted.emotions],
        noted.summary,
        user_message,
        noted.tags,
        involved_users,
        interface,
        chat_id,
        thread_id,
        **more,
    )


async def get_recent_entries(days: float = 2, max_chars: int | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """The entries of the last days, newest first; with `max_chars` as many as fit into so many characters as text."""
    plugin = await _plugin()
    entries = await plugin.diary.newest(limit, since=plugin.host.clock.now() - timedelta(days=days))
    if max_chars is not None:
        entries = [entries[at] for at in fitting([told(entry) for entry in entries], max_chars)]
    return [entry.as_dict() for entry in entries]


async def get_entries_by_tags(tags: Sequence[str] | str, limit: int = 10) -> list[dict[str, Any]]:
    """The newest entries that have one of these tags, newest first."""
    wanted = [tags] if isinstance(tags, str) else tags
    plugin = await _plugin()
    return [entry.as_dict() for entry in await plugin.diary.with_any([keeper.tag_word(t) for t in wanted], limit)]


async def get_entries_with_person(person: str, limit: int = 10) -> list[dict[str, Any]]:
    """The newest entries that involve somebody of this name, or where the person of this id was present."""
    plugin = await _plugin()
    marks = [keeper.name_word(person), keeper.person_word(person), keeper.listener_word(person)]
    return [entry.as_dict() for entry in await plugin.diary.with_any(marks, limit)]


async def format_diary_for_injection(entries: Sequence[Mapping[str, Any] | Entry], max_chars: int | None = None) -> str:
    """Entries as the text that prompts show: each line begins with what it is (`Date:`, `What I said:`, …)."""
    parts = [told(entry_from(entry)) for entry in entries]
    taken = range(len(parts)) if max_chars is None else fitting(parts, max_chars)
    return BETWEEN.join(parts[at] for at in taken)


async def cleanup_old_entries(days_to_keep: float = 30) -> int:
    """Erase what is older; how many entries that were."""
    plugin = await _plugin()
    return await plugin.diary.erase_before(plugin.host.clock.now() - timedelta(days=days_to_keep))


async def recreate_diary_table() -> int:
    """Erase all entries and make the tables anew; how many entries there were."""
    return await (await _plugin()).recreate_diary_table()


async def is_plugin_enabled() -> bool:
    """Whether the diary is on; False too if the plugin is not loaded."""
    return NAME in PLUGIN_REGISTRY and await (await _plugin()).is_enabled()


async def enable_plugin() -> None:
    """Go on recording and remembering."""
    await (await _plugin()).switch(True)


async def disable_plugin() -> None:
    """Stop recording and remembering, until `enable_plugin`; entries stay."""
    await (await _plugin()).switch(False)


def call_from_thread(asked: Coroutine[Any, Any, Result], timeout: float = 30.0) -> Result:
    """Wait in a thread for one of the functions above, `timeout` seconds at most. Raises TimeoutError, or its error."""
    plugin = PLUGIN_REGISTRY.get(NAME)
    loop = getattr(plugin, "loop", None)
    if loop is None or loop.is_closed():
        asked.close()
        raise PluginError("no Rekku with a diary runs in this process; a script uses rekku.scripting.call")
    return asyncio.run_coroutine_threadsafe(asked, loop).result(timeout)


async def _plugin() -> DiaryPlugin:
    """The plugin as it is loaded now. Raises PluginError if it is not."""
    plugin = PLUGIN_REGISTRY.get(NAME)
    if plugin is None:
        raise PluginError("the plugin ai_diary is not loaded; a script uses rekku.scripting.call")
    found: DiaryPlugin = plugin
    if not isinstance(getattr(found, "diary", None), Diary):
        found.prepare()
    return found


PLUGIN_CLASS = DiaryPlugin
