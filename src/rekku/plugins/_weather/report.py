"""A report of wttr.in (`?format=j1`), made short and checked. Its shape is that of worldweatheronline.com."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

LONGEST = 60
DAYS = 3


def read_report(body: bytes) -> dict[str, Any]:
    """`{measured_near?, measured_at?, now, forecast?}` in short words for the model.

    Raises ValueError that says what is wrong. Texts of the service are cut, numbers must be numbers.
    """
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    try:
        # The same object stands under `data` in what wttr.in itself gets.
        told = told.get("data", told)
        report = {"measured_near": _near(told), "measured_at": "", "now": "", "forecast": {}}
        now = told["current_condition"][0]
        report["measured_at"] = _text(now.get("localObsDateTime"))
        report["now"] = _now(now)
        report["forecast"] = {_text(day["date"]): _day(day) for day in told.get("weather", [])[:DAYS]}
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise ValueError(f"it lacks something: {type(error).__name__}") from None
    return {key: value for key, value in report.items() if value}


def _now(told: Mapping[str, Any]) -> str:
    parts = [
        _first(told["weatherDesc"]),
        f"{_number(told['temp_C'])} °C (feels like {_number(told['FeelsLikeC'])} °C)",
        f"humidity {_number(told['humidity'])} %",
        f"wind {_number(told['windspeedKmph'])} km/h {_text(told.get('winddir16Point'))}".strip(),
    ]
    if float(told.get("precipMM") or 0):
        parts.append(f"precipitation {_number(told['precipMM'])} mm")
    return ", ".join(part for part in parts if part)


def _day(told: Mapping[str, Any]) -> str:
    """One day: its range, its sky at noon, and the highest chance of rain and of snow."""
    hours = told.get("hourly") or []
    parts = [f"{_number(told['mintempC'])} to {_number(told['maxtempC'])} °C"]
    if hours:
        parts.append(_first(hours[len(hours) // 2]["weatherDesc"]))
        for what in ("rain", "snow"):
            chance = max(int(hour.get(f"chanceof{what}") or 0) for hour in hours)
            if chance:
                parts.append(f"{what} {chance} %")
    return ", ".join(part for part in parts if part)


def _near(told: Mapping[str, Any]) -> str:
    areas = told.get("nearest_area") or []
    names = (_first(areas[0].get(key)) for key in ("areaName", "country")) if areas else ()
    return ", ".join(name for name in names if name)


def _first(listed: Any) -> str:
    return _text(listed[0]["value"]) if listed else ""


def _text(value: Any) -> str:
    return re.sub(r"\s+", " ", str(value or "")).strip()[:LONGEST]


def _number(value: Any) -> str:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return f"{number:g}"
