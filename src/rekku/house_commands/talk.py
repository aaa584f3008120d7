"""Commands about the conversation: /help, /context, /say, /cancel, /status, /why."""

from rekku import __version__
from rekku.chain.road import CONTEXT, Road
from rekku.chain.words import shorten
from rekku.commands import Commands
from rekku.core.commands import Command, CommandCall
from rekku.core.errors import ActionError, EngineError
from rekku.core.members import Members
from rekku.core.message import Conversation
from rekku.core.principal import Role
from rekku.core.registry import Kind
from rekku.store.codec import dump
from rekku.store.journal import StepRecord, steps_of


def talk_commands(road: Road, commands: Commands) -> list[Command]:
    """The commands of this file."""

    async def show_help(call: CommandCall) -> str:
        mine = [c for c in (await commands.known()).values() if call.principal.role >= c.role]
        width = max(len(_title(c)) for c in mine)
        return "\n".join(f"{_title(c):<{width}}  {c.summary}" for c in sorted(mine, key=lambda c: c.name))

    async def context(call: CommandCall) -> str:
        where = call.message.conversation
        wanted = {"on": True, "off": False, "": not road.context_wanted(where)}.get(call.text.lower())
        if wanted is None:
            return "Write /context, /context on or /context off."
        await road.state.set(f"{CONTEXT}{where}", "" if wanted else "off")
        return "Recent messages are " + ("part of what I see now." if wanted else "no longer part of what I see.")

    async def say(call: CommandCall) -> str:
        target, _, text = call.text.partition(" ")
        if not text.strip():
            return "Write /say CHAT TEXT, with CHAT as in /last_chats."
        where = await _find_chat(road, target)
        await road.voice.send(text.strip(), where)
        return f"Said in {where}."

    async def cancel(call: CommandCall) -> str:
        done = road.inbox.cancel(call.message.conversation, call.principal)
        return "I have stopped." if done else "There is nothing of yours to cancel here."

    async def status(_: CommandCall) -> str:
        return await _status(road)

    async def why(call: CommandCall) -> str:
        turn_id = await road.outbox_store.last_turn(call.message.conversation)
        if turn_id is None:
            return "I have not answered anything here yet."
        steps = await steps_of(road.database, turn_id)
        if not steps:
            return "No model was asked for my last answer here: it was my own words."
        return _explain(steps)

    return [
        Command("help", "What I understand.", show_help, Role.UNKNOWN),
        Command("context", "Show me recent messages of this chat, or not.", context, Role.TRAINER, "[on|off]"),
        Command("say", "Let me say something in another chat.", say, Role.TRAINER, "CHAT TEXT"),
        Command("cancel", "Stop what I am doing here.", cancel, Role.UNKNOWN),
        Command("status", "How I am.", status, Role.TRAINER),
        Command("why", "What led to my last answer here.", why, Role.TRAINER),
    ]


def _title(command: Command) -> str:
    return f"/{command.name} {command.usage}".strip()


async def _find_chat(road: Road, target: str) -> Conversation:
    chats = await road.people.chats()
    names = {str(c.where): c.where for c in chats}
    by_name = [c.where for c in chats if target.casefold() in (c.name.casefold(), c.where.chat_id.casefold())]
    if target in names:
        return names[target]
    if len(by_name) != 1:
        wrong = "is not one chat" if by_name else "is no chat that I know"
        raise ActionError(f"{target!r} {wrong}; /last_chats lists them")
    return by_name[0]


async def _status(road: Road) -> str:
    try:
        engine = road.engines.active()
        thinking = f"{engine.name} {road.engines.model(engine)}".strip()
    except EngineError as error:
        thinking = f"none ({error})"
    down = f"\nNot answering: {road.engines.down}" if road.engines.down else ""
    interfaces = ", ".join(c.name for c in road.registry.of(Kind.INTERFACE)) or "none"
    waiting = f"{await road.inbox_store.waiting()} messages open, {await road.outbox_store.waiting()} to deliver"
    ill = [f"\n{c.name}: {words}" for c in road.registry if (words := await _health(c.members))]
    return (
        f"Rekku {__version__} on {road.database.kind}\nEngine: {thinking}{down}\nInterfaces: {interfaces}\n"
        f"Plugins: {len(road.registry.of(Kind.PLUGIN))}, actions: {len(road.catalogue.actions)}\n"
        f"{waiting}, {road.inbox.running} turns running" + "".join(ill)
    )


async def _health(members: Members) -> str:
    if not members.has("health"):
        return ""
    try:
        return str(await members.call("health"))
    except Exception as error:  # noqa: BLE001 - a door: its own code tells how it is
        return f"cannot say how it is ({type(error).__name__})"


def _explain(steps: list[StepRecord]) -> str:
    knew = steps[0].knew
    facts = knew.get("facts") or {}
    lines = [f"I saw {knew.get('history', 0)} recent messages and these facts:"]
    lines += [f"  {name}: {shorten(dump(value), 300)}" for name, value in facts.items()] or ["  none"]
    for number, step in enumerate(steps, 1):
        tokens = f"{step.prompt_tokens}+{step.completion_tokens} tokens, {step.seconds:.1f} s"
        tokens += f", ${step.cost:.4f}" if step.cost is not None else ""
        lines.append(f"{number}. {step.engine} {step.model} ({tokens}):")
        lines += [f"  {d.action} {shorten(dump(d.payload), 200)} → {d.status}" for d in step.deeds] or ["  no action"]
        lines += [f"    {problem}" for d in step.deeds for problem in d.problems]
    return "\n".join(lines)
