"""What the model is told about the actions on bios."""

from collections.abc import Mapping
from typing import Any

from rekku.core.audience import Privacy
from rekku.plugins._bio_manager.facts import FIELDS
from rekku.plugins._bio_manager.limits import Limits

_LIST = {"type": ["array", "string"]}
_OBJECT = {"type": "object"}
_PERSON = {"type": ["string", "integer"]}

_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "known_as": {**_LIST, "description": "names and nicknames"},
    "likes": {**_LIST, "description": "what they like", "example": ["green tea"]},
    "not_likes": {**_LIST, "description": "what they do not like"},
    "information": {
        **_LIST,
        "description": "other lasting facts: work, family, home, health",
        "example": ["is a nurse"],
    },
    "past_events": {**_LIST, "description": "what happened in their life, with the date"},
    "feelings": {**_OBJECT, "description": "what you feel for them: {emotion: 0 to 10}"},
    "contacts": {**_OBJECT, "description": "{kind: value}, as {phone: number}"},
    "social_accounts": {**_OBJECT, "description": "{platform: name}"},
}


def actions() -> Mapping[str, Mapping[str, Any]]:
    """The actions, for `get_supported_actions`."""
    return {
        "bio_update": {
            "description": "Write down lasting facts about a person.",
            "optional_fields": ["person", *FIELDS, "remove", "privacy"],
            "idempotent": True,
        },
        "bio_full_request": {
            "description": "All that you know about a person.",
            "optional_fields": ["person"],
            "idempotent": True,
        },
    }


def instructions(name: str, limits: Limits) -> Mapping[str, Any]:
    """What the model is told about one of them."""
    if name == "bio_full_request":
        return {
            "description": "All that you know about a person and may tell here; `context.participants` has part of it.",
            "payload": {"person": {**_PERSON, "description": "name, @tag or id; left out: who is talking"}},
        }
    return {
        "description": (
            "Write down lasting facts that the person who is talking told about themselves. Only what is new: what is "
            f"in `context.participants` is known already. {_rule(limits)}"
        ),
        "payload": {
            "person": {**_PERSON, "description": "only if the owner tells about somebody else: name, @tag or id"},
            **_FIELDS,
            "remove": {**_OBJECT, "description": "what is not true any more, {field: [facts]}"},
            "privacy": {
                "type": "string",
                "enum": [str(privacy) for privacy in Privacy],
                "description": (
                    "only if the person says who may hear it: private (they alone), chat (this chat) or public; "
                    "with facts for those facts, alone for all that you know about them"
                ),
            },
        },
    }


def _rule(limits: Limits) -> str:
    parts = [f"at most {limits.fields} fields in one update"] if limits.fields else []
    parts += [f"one update in {limits.minutes} minutes"] if limits.minutes else []
    parts += [f"{limits.per_day} a day"] if limits.per_day else []
    return f"For each person {', '.join(parts)}: join facts in one update." if parts else ""
