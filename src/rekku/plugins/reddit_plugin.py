"""Let Rekku write on Reddit: posts, comments and replies, and changes to what it wrote."""

import asyncio
import hashlib
import importlib.util
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rekku.core.ai_plugin_base import AIPluginBase
from rekku.core.commands import Command, CommandCall
from rekku.core.errors import ActionError
from rekku.core.members import in_thread
from rekku.core.message import Conversation, Message
from rekku.core.principal import Role
from rekku.core.settings import Setting
from rekku.core.turn import Turn
from rekku.platforms.reddit.fault import Fate, Fault
from rekku.platforms.reddit.settings import ACCOUNT
from rekku.plugins._reddit_plugin.checks import problems, subreddit_name, thing_id
from rekku.plugins._reddit_plugin.pictures import Pictures, chosen
from rekku.plugins._reddit_plugin.queue import SCHEMA, Queue, Wish
from rekku.plugins._reddit_plugin.sender import Sender, corrected

if TYPE_CHECKING:
    from rekku.plugins._reddit_plugin.account import Account

TARGET = "address of the post or comment, or its id (t3_abc a post, t1_abc a comment)"
TOLD: Mapping[str, Mapping[str, Any]] = {
    "reddit_post": {
        "description": "Publish a post on Reddit: a text, or a link (url), or the picture of this message (image).",
        "payload": {
            "subreddit": {"type": "string", "description": "its name without r/", "example": "rust"},
            "title": {"type": "string", "description": "at most 300 characters", "maxLength": 300},
            "text": {"type": "string", "description": "Markdown; may be left out"},
            "url": {"type": "string", "description": "only for a link: the whole address"},
            "image": {
                "type": "string",
                "description": "only for a picture: its name; it came with this message, or shortly before",
            },
            "flair": {"type": "string", "description": "a flair of that subreddit, by its text"},
            "nsfw": {"type": "boolean", "description": "only if it is for adults"},
            "spoiler": {"type": "boolean", "description": "only if it gives something away"},
        },
    },
    "reddit_comment": {
        "description": "Comment on a post on Reddit, or reply to a comment.",
        "payload": {
            "target": {"type": "string", "description": TARGET, "example": "t3_1abcde"},
            "text": {"type": "string", "description": "Markdown, at most 10000 characters"},
        },
    },
    "reddit_edit": {
        "description": "Replace the text of a post or comment that you wrote on Reddit.",
        "payload": {
            "target": {"type": "string", "description": TARGET, "example": "t1_1abcde"},
            "text": {"type": "string", "description": "the whole new text"},
        },
    },
    "reddit_delete": {
        "description": "Delete a post or comment that you wrote on Reddit, for good.",
        "payload": {"target": {"type": "string", "description": TARGET, "example": "t3_1abcde"}},
    },
    "reddit_list": {"description": "Read what you wrote on Reddit lately and what still waits, with the ids."},
}
REQUIRED = {
    "reddit_post": ["subreddit", "title"],
    "reddit_comment": ["target", "text"],
    "reddit_edit": ["target", "text"],
    "reddit_delete": ["target"],
}


class RedditPlugin(AIPluginBase):
    """Writes on Reddit. All of it waits a while in a queue, so that `/undo` can take it back, and is done once."""

    settings = (
        *ACCOUNT,
        Setting(
            "REDDIT_REGRET_SECONDS",
            "Seconds that a post or comment waits before it goes out, so that /undo can take it back.",
            int,
            30,
            minimum=0,
            maximum=86_400,
        ),
        Setting(
            "REDDIT_APPROVAL", "Whether you are asked (/approve) before anything is written on Reddit.", bool, False
        ),
    )
    tables = SCHEMA

    def __init__(self) -> None:
        if importlib.util.find_spec("asyncpraw") is None:  # it is imported at first use only: that takes a while
            raise ModuleNotFoundError("No module named 'asyncpraw'", name="asyncpraw")
        self._made: Account | None = None
        self._making = asyncio.Lock()
        self._sender: Sender | None = None
        self._pictures = Pictures()

    async def start(self) -> None:
        self._queue = Queue(self.host.database)
        self._sender = sender = Sender(self.host, self._queue, self._account)
        self.host.spawn(sender.listen(), "reddit waits")
        self.host.spawn(sender.tend(), "reddit queue")

    async def stop(self) -> None:
        if self._made is not None:
            await self._made.close()

    def get_supported_actions(self) -> Mapping[str, Mapping[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for name, told in TOLD.items():
            fields = list(told.get("payload", ()))
            required = REQUIRED.get(name, [])
            found[name] = {
                "description": told["description"],
                "required_fields": required,
                "optional_fields": [f for f in fields if f not in required],
                "restricted": True,
                "idempotent": True,  # the queue keeps each wish of a turn once
                "trusted_output": True,
                "approval": name != "reddit_list" and self.host.settings["REDDIT_APPROVAL"],
            }
        return found

    def get_prompt_instructions(self, action_name: str) -> Mapping[str, Any]:
        return TOLD[action_name]

    async def validate_payload(self, action_type: str, payload: Mapping[str, Any]) -> list[str]:
        return problems(action_type, payload)

    async def execute_action(
        self, action: Mapping[str, Any], context: Mapping[str, Any], bot: object, message: Message
    ) -> str:
        """Put a wish into the queue, after asking Reddit whether it can be done at all."""
        name, payload = action["type"], dict(action["payload"])
        if name == "reddit_list":
            everything = context["role"] == Role.TRAINER.word and message.direct
            here = None if message.direct else message.conversation
            return await self._lately(None if everything else context["person_id"], here)
        if name == "reddit_post":
            payload["subreddit"] = subreddit_name(payload["subreddit"])
        else:
            payload["target"] = thing_id(payload["target"])
        key = _key(context["turn_id"], name, payload)
        where = Conversation(context["interface"], context["chat_id"], context["thread_id"] or "")
        image = b""
        if payload.get("image"):
            before = self._pictures.of(context["person_id"], where, self.host.clock.now())
            payload["image"], image = chosen(payload["image"], message.attachments, before)
        doubt = await self._check(name, payload)
        earlier = await self._queue.get(corrected(message))
        now, window = self.host.clock.now(), timedelta(seconds=self.host.settings["REDDIT_REGRET_SECONDS"])
        wish = Wish(
            id=0,
            person_id=context["person_id"],
            chat=where,
            direct=message.direct,
            action=name,
            payload=payload,
            status="waiting",
            due_at=now + window,
            created_at=now,
            round=earlier.round + 1 if earlier else 0,
            image=image,
        )
        kept = await self._queue.add(wish, key)
        assert self._sender is not None
        self._sender.look_in(window)
        return (
            f"It waits as number {kept.id} and goes out in {window.total_seconds():g} seconds by itself. {doubt}Tell "
            f"the person in a message, and that /undo {kept.id} takes it back until then. Do not ask for it again; "
            "its link, or what went wrong, is told when it is out."
        )

    def get_commands(self) -> Sequence[Command]:
        return [Command("undo", "Take back what waits to go out to Reddit.", self._undo, Role.UNKNOWN, "[NUMBER]")]

    async def on_turn_end(self, turn: Turn) -> None:
        self._pictures.keep(turn)

    async def forget_person(self, person_id: str, dry_run: bool) -> Mapping[str, int]:
        if not dry_run:
            self._pictures.forget(person_id)
        return {"wishes for Reddit": await self._queue.forget(person_id, dry_run)}

    async def merge_person(self, old: str, new: str) -> None:
        await self._queue.hand_over(old, new)

    async def health(self) -> str:
        return "" if self._sender is None else self._sender.complaint

    async def _check(self, name: str, payload: dict[str, Any]) -> str:
        """Raises ActionError if it cannot be done; a sentence if Reddit could not be asked."""
        try:
            account = await self._account()
            await account.check(name, payload)
        except Fault as fault:
            if fault.fate is Fate.REFUSED:
                if fault.of_the_owner:
                    await self.host.tell_trainer(f"Nothing can be written on Reddit: {fault.words}.")
                raise ActionError(f"it cannot be done: {fault.words}") from fault
            if payload.get("flair"):
                raise ActionError(f"the flair cannot be looked up now: {fault.words}") from fault
            return f"It could not be checked beforehand: {fault.words}. "
        return ""

    async def _account(self) -> "Account":
        async with self._making:
            if self._made is None:
                await in_thread(_load)
                from rekku.plugins._reddit_plugin.account import Account

                self._made = Account(self.host.settings)
            return self._made

    async def _lately(self, person_id: str | None, here: Conversation | None) -> str:
        lines = [
            f"{w.id} · {w.created_at:%Y-%m-%d %H:%M} · {w.status} · {w.title} {w.thing} {w.link}".strip()
            for w in await self._queue.lately(person_id, here)
        ]
        return "\n".join(lines) or "Nothing yet."

    async def _undo(self, call: CommandCall) -> str:
        number = call.text.strip().lstrip("#")
        if number and not (number.isdecimal() and len(number) < 10):
            return "Write /undo, or /undo and the number that you were told."
        who = call.principal
        wish = await (self._queue.get(int(number)) if number else self._queue.last_waiting(who.person_id))
        if wish is None or (wish.person_id != who.person_id and not who.is_trainer):
            return f"There is no number {number} of yours." if number else "Nothing of yours waits to go out to Reddit."
        if await self._queue.undo(wish.id):
            here = call.message.direct or wish.chat == call.message.conversation
            return f"Taken back: {f'{wish.title} (number {wish.id})' if here else f'number {wish.id}'}."
        wish = await self._queue.get(wish.id) or wish
        if wish.status == "done" and wish.link:
            return f"Number {wish.id} is on Reddit already: {wish.link} Ask me to delete it."
        return f"Number {wish.id} does not wait any more; it is {wish.status}."


def _load() -> None:
    importlib.import_module("rekku.plugins._reddit_plugin.account")


def _key(turn_id: int, name: str, payload: Mapping[str, Any]) -> str:
    """The same for the same wish of the same turn, so that a crash between two steps does not double it."""
    text = json.dumps([turn_id, name, payload], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


PLUGIN_CLASS = RedditPlugin
