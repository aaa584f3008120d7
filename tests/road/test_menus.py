"""Menus of slash commands: interfaces that have them are told what there is."""

from collections.abc import Sequence

from rekku.core.commands import Command
from rekku.core.principal import Role
from rekku.testing import Bot, MemoryInterface
from tests.road.words import until


class Menu(MemoryInterface):
    """An interface with a menu; `menus` are all that it was shown."""

    def __init__(self) -> None:
        super().__init__("menu", frozenset())
        self.menus: list[dict[str, str]] = []

    async def show_commands(self, commands: Sequence[Command]) -> None:
        self.menus.append({command.name: command.summary for command in commands})


class Greeter:
    """A plugin with one more command."""

    def get_commands(self) -> list[Command]:
        return [Command("greet", "Say hello.", lambda call: "hello", Role.UNKNOWN)]


async def test_an_interface_is_shown_the_commands_and_again_when_they_change(bot: Bot) -> None:
    menu = Menu()
    bot.add_interface(menu)
    await bot.settle()
    await until(bot, lambda: menu.menus)
    assert menu.menus[0]["help"]
    bot.add(Greeter())
    await bot.settle()
    await until(bot, lambda: len(menu.menus) == 2)
    assert menu.menus[1] == {**menu.menus[0], "greet": "Say hello."}
