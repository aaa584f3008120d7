"""Figures for Prometheus, for whoever has a token of the owner's.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterator

from starlette.responses import Response

from rekku.interface.webui.context import OWNER_ID
from rekku.interface.webui.programs import ProgramCall
from rekku.interface.webui.requests import Problem

FORM = "text/plain; version=0.0.4; charset=utf-8"
GAUGE = "gauge"


async def metrics(call: ProgramCall) -> Response:
    """How Rekku is, in numbers."""
    if call.token.user_id != OWNER_ID:
        raise Problem("This is for the owner alone.", 403)
    house = call.context.host.house
    now = await house.condition()
    parts = await house.parts()
    today = await house.usage(1)
    broken = sum(part.state == "failed" or bool(part.health) for part in parts)
    lines = [
        *_one("rekku_up", "Whether an engine answers.", 0 if now.down else 1),
        *_one("rekku_messages_open", "Messages that wait for an answer.", now.open),
        *_one("rekku_messages_to_deliver", "Messages that wait for their chat.", now.to_deliver),
        *_one("rekku_turns_running", "Turns that run.", now.running),
        *_one("rekku_pages_open", "Web pages that are open.", len(call.context.hub)),
        *_one("rekku_components_loaded", "Components in use.", sum(part.state == "loaded" for part in parts)),
        *_one("rekku_components_ill", "Components that failed or say that they are ill.", broken),
        *_one("rekku_desk_waiting", "Prompts that wait for the owner.", len(call.context.host.desk.waiting)),
    ]
    for day in today:
        lines += [
            *_one("rekku_calls_today", "Calls of models since midnight (UTC).", day.calls),
            *_one("rekku_prompt_tokens_today", "Tokens that models read since midnight (UTC).", day.prompt_tokens),
            *_one("rekku_completion_tokens_today", "Tokens that models wrote.", day.completion_tokens),
            *_one("rekku_model_seconds_today", "Seconds that models took.", day.seconds),
            *_one("rekku_lines_heard_today", "Lines of people since midnight (UTC).", day.heard),
            *_one("rekku_lines_said_today", "Lines of Rekku since midnight (UTC).", day.said),
        ]
    return Response("".join(lines), media_type=FORM)


def _one(name: str, what: str, value: float) -> Iterator[str]:
    """One figure. What counts since midnight falls back, so it is a gauge, too."""
    yield f"# HELP {name} {what}\n# TYPE {name} {GAUGE}\n{name} {value:g}\n"
