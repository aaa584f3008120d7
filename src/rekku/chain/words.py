"""The sentences that Rekku says by itself, when no model says them."""

from collections.abc import Iterable
from datetime import timedelta

from rekku.core.clock import span

BLOCKED_BY_RATE = "That was a lot at once. I have kept your messages and will answer them one after the other."
CANCELLED = "Cancelled."
INTERRUPTED = "I was restarted while I did {command}, so it is not known whether it was done. Look, or repeat it."
GAVE_UP_CORRECTING = "I could not do that: {problems}"
BROKEN = "Something went wrong inside me while I was answering. Your message is kept, and my owner has been told."
POISONED = "I have failed at this message several times now, so I am leaving it. My owner has been told."
GIVEN_UP = "I could not answer this message of yours in time: “{text}”. If it still matters, please send it again."
DONE = "Done: {deeds}."
SILENT_MODEL = "I have nothing to say to that, it seems: the model gave an empty answer."

ASK_FOR_WORDS = "Nothing was sent to the person yet. Reply now with one `message` action that tells them the outcome."
LAST_STEP = "This is your last reply in this turn: use `message`."
UNKNOWN_OUTCOME = "Rekku was restarted while this ran, so it is not known whether it was done. Do not simply repeat it."
WAITED = "This has been waiting for you for {span}."
NOT_CLEAN = (
    "`{action}` was not executed, because {because}. If you meant it, reply with nothing but the JSON; "
    "if you only quoted it, leave it out."
)


def waited(length: timedelta) -> str:
    """What is said with a reminder that could not arrive when it should."""
    return f"({WAITED.format(span=span(length))})"


def deferral(reason: str, capped: bool = False) -> str:
    """What a person hears when no engine answers."""
    if capped:
        return "I have used up today's allowance for thinking. Your message is kept; I will answer it tomorrow."
    return (
        f"I cannot think right now ({reason.rstrip('.')}). Your message is kept, and I will answer it as soon as I can."
    )


def done(actions: Iterable[str]) -> str:
    """What a person hears when things were done and the model has no words for them."""
    return DONE.format(deeds=", ".join(dict.fromkeys(actions)))


def shorten(text: str, most: int) -> str:
    """A text of at most so many characters, cut between sentences or words, with a mark where it was cut."""
    if len(text) <= most:
        return text
    head = text[: max(0, most - 4)]
    for mark in (". ", "! ", "? ", "\n", "。", " "):
        at = head.rfind(mark)
        if at > most // 2:
            return head[: at + len(mark)].rstrip() + " […]"
    return head + " […]"
