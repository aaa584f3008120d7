"""Commands about the engine: /llm, /model."""

from rekku.chain.road import Road
from rekku.core.commands import Command, CommandCall
from rekku.core.errors import RekkuError
from rekku.core.registry import Component, Kind


def thinking_commands(road: Road) -> list[Command]:
    """The commands of this file."""

    async def llm(call: CommandCall) -> str:
        active = road.engines.active().name
        if not call.text:
            return "\n".join(f"{'*' if name == active else ' '} {name}" for name in sorted(road.engines.names()))
        if road.registry.get(Kind.ENGINE, call.text) is None:
            return f"There is no engine {call.text!r}. There are: {', '.join(sorted(road.engines.names()))}."
        await road.engines.choose(call.text)
        return f"From now on I think with {call.text}."

    async def model(call: CommandCall) -> str:
        engine = road.engines.active()
        now = road.engines.model(engine) or str(await engine.members.call("get_current_model"))
        offered = await _models(engine)
        if not call.text:
            shown = "\n".join(f"{'*' if name == now else ' '} {name}" for name in offered)
            return shown or f"{engine.name} uses {now or 'its own default'}; it offers no list."
        if offered and call.text not in offered:
            return f"{engine.name} has no model {call.text!r}. /model lists what it has."
        await road.engines.choose_model(engine, call.text)
        return f"{engine.name} uses {call.text} from now on."

    return [
        Command("llm", "Show or choose the engine that I think with.", llm, usage="[NAME]"),
        Command("model", "Show or choose the model of the engine.", model, usage="[NAME]"),
    ]


async def _models(engine: Component) -> list[str]:
    try:
        return sorted(str(name) for name in await engine.members.call("get_supported_models"))
    except TimeoutError:
        raise RekkuError(f"{engine.name} did not list its models in time") from None
