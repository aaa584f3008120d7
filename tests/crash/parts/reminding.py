"""An engine that says what an event is about."""

import re
from collections.abc import AsyncIterator

from rekku.core.engine_base import EngineBase
from rekku.core.model_call import ChatMessages, ModelCall
from tests.crash import death


class Reminding(EngineBase):
    """Replies with what the prompt quotes of the event."""

    async def generate_response(self, messages: ChatMessages, call: ModelCall) -> AsyncIterator[str]:
        death.point("engine asked")
        found = re.search(r"“(reminder \d+)”", str(messages[1]["content"]))
        call.used(10, 10, "scripted-1")
        yield f'{{"actions": [{{"type": "message", "payload": {{"text": "{found and found[1]}"}}}}]}}'


PLUGIN_CLASS = Reminding
