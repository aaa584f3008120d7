"""Discord's own description of its API, held against every call that our server gets and every answer that it gives.

The description is no part of this project: it is read from `../shared/data/discord-openapi.json`, where that is there.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

FILE = Path(__file__).resolve().parents[3] / "shared" / "data" / "discord-openapi.json"


class Description:
    """The description; `faults` are the sentences about what did not fit, `checked` counts what was looked at."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.checked = 0

    def asked(self, method: str, path: str, body: Any) -> None:
        """A call with a JSON body."""
        operation = self._operation(method, path)
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is not None and body is not None:
            self._check(f"{method} {path} was asked", content["schema"], _as_texts(body))

    def answered(self, method: str, path: str, status: int, body: Any) -> None:
        """What was answered."""
        responses = self._operation(method, path).get("responses", {})
        told = responses.get(str(status)) or responses.get(f"{status // 100}XX")
        if told is None:
            if responses:
                self.faults.append(f"{method} {path} answered {status}, which is described nowhere")
            return
        told = self._followed(told)
        content = told.get("content", {}).get("application/json")
        if content is not None:
            self._check(f"{method} {path} answered {status}", content["schema"], body)

    def _check(self, what: str, schema: Any, body: Any) -> None:
        self.checked += 1
        validator = Draft202012Validator({**schema, "components": _whole()["components"]})
        fault = best_match(validator.iter_errors(body))
        if fault is not None:
            where = "/".join(map(str, fault.absolute_path))
            self.faults.append(f"{what}: {where}: {fault.message[:300]}")

    def _operation(self, method: str, path: str) -> dict[str, Any]:
        template = _template(path)
        found: dict[str, Any] = _whole()["paths"].get(template, {}).get(method.lower(), {}) if template else {}
        if not found:
            self.faults.append(f"{method} {path} is described nowhere")
        return found

    def _followed(self, told: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in told:
            node: Any = _whole()
            for part in told["$ref"].removeprefix("#/").split("/"):
                node = node[part]
            told = node
        return told


def _as_texts(body: Any) -> Any:
    """What is asked with ids as texts, as the description has them; the library writes numbers, Discord takes both."""
    if isinstance(body, list):
        return [_as_texts(item) for item in body]
    if isinstance(body, dict):
        return {
            key: str(value) if isinstance(value, int) and (key == "id" or key.endswith("_id")) else _as_texts(value)
            for key, value in body.items()
        }
    return body


@cache
def _whole() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    paths = sorted(_whole()["paths"], key=lambda path: (path.count("{"), -len(path)))
    return [(re.compile(re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(path)) + r"\Z"), path) for path in paths]


@cache
def _template(path: str) -> str:
    return next((template for pattern, template in _templates() if pattern.match(path)), "")
