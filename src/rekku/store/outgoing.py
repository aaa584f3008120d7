"""A message on its way out, as the outbox keeps it."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rekku.core.message import Attachment, Choice, Conversation
from rekku.store.codec import dump, load


@dataclass(slots=True)
class Outgoing:
    """A message on its way out. `platform_id` is set once something of it can be seen there (a draft too).

    `answers` is the id of the message that it answers, `reply_to` of one that it quotes. `pieces` are the ids of the
    pieces that were sent, None for one that may have arrived. `quiet` says that the owner need not hear if it does
    not arrive: a notice, the answer to a command.

    `person_id` is whose it is, if it may go to another direct chat of that person when its own, `home`, is not there.
    What should have arrived at `since` says with `late` if it is much later.

    `doubted` says that its draft may be seen, though nobody knows under which id.
    """

    id: int
    to: Conversation
    text: str
    created_at: datetime
    turn_id: int | None = None
    status: str = "queued"
    words: str = ""
    reply_to: str = ""
    answers: str = ""
    attachments: Sequence[Attachment] = ()
    choices: Sequence[Choice] = ()
    platform_id: str = ""
    pieces: list[str | None] = field(default_factory=list)
    attempts: int = 0
    drafted: bool = False
    doubted: bool = False
    quiet: bool = False
    person_id: str = ""
    home: Conversation | None = None
    since: datetime | None = None
    late: str = ""
    shown: str = field(default="", repr=False)

    @property
    def said(self) -> str:
        """What history keeps of it: its text, or what its files say, or at least which files they are."""
        if self.text.strip():
            return self.text
        return self.words or " ".join(f"[{file.kind}: {file.name}]" for file in self.attachments)

    def extra(self) -> str:
        """What has no column of its own, as JSON."""
        more = {
            "words": self.words,
            "reply_to": self.reply_to,
            "answers": self.answers,
            "files": [[f.kind, f.name, f.mime, base64.b64encode(f.data).decode()] for f in self.attachments],
            "choices": [[choice.label, choice.command] for choice in self.choices],
            "quiet": self.quiet,
            "doubted": self.doubted,
            "person_id": self.person_id,
            "home": self.home and [self.home.interface, self.home.chat_id, self.home.thread_id],
            "since": self.since and self.since.isoformat(),
        }
        return dump({name: value for name, value in more.items() if value})


def outgoing_of(row: Any) -> Outgoing:
    """The message that a row of the outbox holds."""
    extra = load(row.extra)
    return Outgoing(
        id=row.id,
        to=Conversation(row.interface, row.chat_id, row.thread_id),
        text=row.text,
        created_at=row.created_at,
        turn_id=row.turn_id,
        status=row.status,
        words=extra.get("words", ""),
        reply_to=extra.get("reply_to", ""),
        answers=extra.get("answers", ""),
        attachments=tuple(Attachment(k, n, m, base64.b64decode(d)) for k, n, m, d in extra.get("files", ())),
        choices=tuple(Choice(*choice) for choice in extra.get("choices", ())),
        pieces=load(row.progress) if row.progress else [],
        platform_id=row.platform_id,
        attempts=row.attempts,
        drafted=bool(row.platform_id) or row.status == "draft",
        doubted=not row.platform_id and (row.status == "draft" or extra.get("doubted", False)),
        quiet=extra.get("quiet", False),
        person_id=extra.get("person_id", ""),
        home=Conversation(*extra["home"]) if "home" in extra else None,
        since=datetime.fromisoformat(extra["since"]) if "since" in extra else None,
    )
