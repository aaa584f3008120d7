"""`rekku new`: a small file that works, to begin from."""

import argparse
from pathlib import Path

from rekku.cli_commands.ground import begin
from rekku.core.errors import ConfigError

FOLDERS = {"plugin": "plugins", "engine": "llm_engines", "interface": "interface"}

PLUGIN = '''\
"""{title}: say in one sentence what it lets Rekku do."""

from core.ai_plugin_base import AIPluginBase


class {cls}Plugin(AIPluginBase):
    """One action, `{name}`."""

    def get_supported_actions(self):
        return {{"{name}": {{"description": "Say in one sentence what it does.", "required_fields": ["value"]}}}}

    def get_prompt_instructions(self, action_name):
        return {{"payload": {{"value": {{"type": "string", "description": "What it needs to know"}}}}}}

    def validate_payload(self, action_type, payload):
        return [] if payload["value"].strip() else ["payload.value must not be empty"]

    async def handle_custom_action(self, action_type, payload):
        return f"{name} was done with {{payload['value']}}."


PLUGIN_CLASS = {cls}Plugin
'''

ENGINE = '''\
"""{title}: an engine that only repeats; put your model here. Choose it with `/llm {name}`."""

from core.engine_base import EngineBase


class {cls}Engine(EngineBase):
    """`generate_response` gets the messages, and gives a string or an async iterator of strings."""

    async def generate_response(self, messages, call):
        said = messages[-1]["content"]
        call.used(prompt_tokens=len(str(messages)) // 4, completion_tokens=1)
        return f"I was told {{len(str(said))}} characters."

    def get_supported_models(self):
        return ["{name}-1"]


PLUGIN_CLASS = {cls}Engine
'''

INTERFACE = '''\
"""{title}: an interface that writes what Rekku says into a file; put your platform here."""

from core.interface_base import InterfaceBase
from core.message import Conversation, Message, User


class {cls}Interface(InterfaceBase):
    """Call `heard` with what arrives on your platform; `send_message` delivers what Rekku says."""

    def get_interface_id(self):
        return "{name}"

    async def heard(self, chat_id, user_id, text, message_id):
        conversation = Conversation(self.get_interface_id(), chat_id)
        message = Message(conversation, User(user_id), text, self.host.clock.now(), message_id=message_id)
        return await self.host.receive(message)

    def send_message(self, payload, original_message=None):
        with open(self.host.folder / "said.txt", "a", encoding="utf-8") as file:
            file.write(f"{{payload['target']}}: {{payload['text']}}\\n")


INTERFACE_CLASS = {cls}Interface
'''

TEMPLATES = {"plugin": PLUGIN, "engine": ENGINE, "interface": INTERFACE}


def run(arguments: argparse.Namespace) -> int:
    """0; write the file and say where it is. Raises ConfigError if there is one already."""
    ground = begin(arguments)
    file = ground.home / FOLDERS[arguments.kind] / f"{arguments.name}.py"
    write(file, arguments.kind, arguments.name)
    print(f"{file}\nIt works as it stands: a running Rekku has loaded it already. `rekku doctor` shows it.")
    return 0


def write(file: Path, kind: str, name: str) -> None:
    """Write a new component; never over something."""
    words = [word for word in name.split("_") if word]
    cls = "".join(word[0].upper() + word[1:] for word in words)
    text = TEMPLATES[kind].format(name=name, cls=cls, title=" ".join(words).capitalize())
    if file.with_suffix("").exists():
        raise ConfigError(f"{file.with_suffix('')} is there already. Choose another name, or edit it.")
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise ConfigError(f"{file} is there already. Choose another name, or edit it.") from None
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}.") from error
