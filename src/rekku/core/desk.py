"""The desk: where an engine leaves a prompt for the owner, and an interface brings the answer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from rekku.core.errors import EngineRefused
from rekku.core.message import Conversation


@dataclass(slots=True)
class Question:
    """A prompt that waits for the owner's words. `text` is for reading, `gist` the part that is new to whoever follows
    the conversation, `prompt` the whole, as JSON."""

    number: int
    conversation: Conversation | None
    text: str
    prompt: str
    gist: str
    answer: "asyncio.Future[str]" = field(repr=False)


class Desk:
    """Questions in the order in which they came; whoever watches is told when one comes or goes."""

    def __init__(self) -> None:
        self.waiting: dict[int, Question] = {}
        self._count = 0
        self._watchers: list[Callable[[Question, bool], None]] = []

    async def ask(self, text: str, prompt: str, conversation: Conversation | None = None, gist: str = "") -> str:
        """Put a question on the desk and wait for the owner's answer, however long it takes."""
        self._count += 1
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        question = Question(self._count, conversation, text, prompt, gist, answer)
        self.waiting[question.number] = question
        self._tell(question, True)
        try:
            return await question.answer
        finally:
            self.waiting.pop(question.number, None)
            self._tell(question, False)

    def answer(self, number: int, text: str) -> bool:
        """Answer a question; False if it is not waiting any more."""
        question = self.waiting.get(number)
        if question is None or question.answer.done():
            return False
        question.answer.set_result(text)
        return True

    def give_back(self, conversation: Conversation) -> None:
        """Leave what waits of a conversation to the next engine."""
        for question in self.waiting.values():
            if question.conversation == conversation and not question.answer.done():
                question.answer.set_exception(EngineRefused("the owner gave the conversation back"))

    def watch(self, watcher: Callable[[Question, bool], None]) -> Callable[[], None]:
        """Call `watcher(question, waiting)` at every change; returns the undo."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def _tell(self, question: Question, waiting: bool) -> None:
        for watcher in tuple(self._watchers):
            watcher(question, waiting)
