"""The web page: its part of the suite, over real HTTP and real sockets, people as guests."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar

from rekku.testing import Bot
from tests.interface.conformance import Conformance
from tests.interface.webui.visitor import PASSWORD, Page, Visitor, address, link_in, welcome
from tests.interface.world import File, Shown, World


class WebPage:
    """The page. Ann is a guest; what is edited or taken back is seen at once."""

    interface = "webui"
    owner = "owner"
    can: Collection[str] = ("people", "edit", "files", "audio", "buttons", "typing", "commands")
    secret = PASSWORD
    max_length = 0

    def __init__(self) -> None:
        self.settings = {"WEBUI_PORT": "0", "WEBUI_GUESTS": "on"}
        self.pings: list[str] = []
        self.people: dict[str, Visitor] = {}
        self.last: tuple[Page, dict[str, Any]] | None = None
        self.folder = Path()

    async def open(self) -> None:
        """There is nothing to open before Rekku is there."""

    async def close(self) -> None:
        """Everybody leaves."""
        for visitor in self.people.values():
            await visitor.close()

    async def attach(self, bot: Bot) -> None:
        """The owner sets the password and both open the page."""
        self.folder = bot.home / "data" / "webui"
        owner, ann = Visitor(address(bot)), Visitor(address(bot))
        self.people = {"owner": owner, "ann": ann}
        await owner.post("/web/link", {"link": link_in(welcome(bot)), "password": PASSWORD})
        await ann.post("/web/guest")
        for visitor in self.people.values():
            await visitor.open()

    async def says(
        self,
        text: str,
        *,
        user: str = "ann",
        chat: str = "",
        thread: str = "",
        reply_to: str = "",
        mention: bool = False,
        files: Sequence[File] = (),
        bot: bool = False,
    ) -> str:
        """Write on the page."""
        visitor = self.people[user]
        ids = []
        for _, name, mime, data in files:
            ids.append((await visitor.post(f"/web/files?name={name}", data, content_type=mime))[1]["id"])
        page = visitor.pages[0]
        number = await page.say(text, files=ids)
        self.last = page, {"text": text, "message_id": number, "files": ids}
        return number

    async def presses(self, shown: Shown, label: str, *, user: str) -> None:
        """A button says its command."""
        line = self.people[user].pages[0].lines[shown.id]
        command = next(choice["command"] for choice in line["choices"] if choice["label"] == label)
        await self.says(command, user=user)

    def shown(self, chat: str = "ann", thread: str = "") -> list[Shown]:
        """What stands there of Rekku's."""
        page = self.people[chat].pages[0]
        lines = sorted(page.lines.values(), key=lambda line: int(line["n"]))
        return [self._shown(line) for line in lines if line["from"] == "rekku" and line["state"] != "gone"]

    def typed(self, chat: str = "ann") -> bool:
        """Whether the page has shown that Rekku thinks."""
        return any(r == {"type": "typing", "active": True} for r in self.people[chat].pages[0].records)

    def commands(self) -> Collection[str]:
        """What the page completes."""
        owner = self.people["owner"]
        told = [owner.me, *(r for r in owner.pages[0].records if r["type"] == "commands")]
        return {command["name"] for record in told for command in record["commands"]}

    async def redelivers(self) -> None:
        """The same line with the same id, as after a lost connection."""
        assert self.last is not None
        page, said = self.last
        await page.say(**said)

    def _shown(self, line: dict[str, Any]) -> Shown:
        files = tuple((file["kind"], file["name"], self._content(file)) for file in line.get("files", ()))
        choices = tuple(choice["label"] for choice in line.get("choices", ()))
        return Shown(line["id"], line["text"], files=files, choices=choices, rich=json.dumps(line))

    def _content(self, file: dict[str, Any]) -> bytes:
        """What is in a file, read where the page keeps it: fetching it is another test's matter."""
        return self.folder.joinpath(file["id"]).read_bytes()


class TestWebPage(Conformance):
    """The page passes the suite."""

    can: ClassVar[Collection[str]] = WebPage.can

    def make_world(self, folder: Path) -> World:
        return WebPage()  # type: ignore[return-value] # what it cannot is left out
