"""`rekku doctor`: what works, what does not, and why. Nothing is started."""

import argparse
import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rekku.cli_commands.ground import Ground, begin
from rekku.core.errors import NewerSchema, RekkuError

if TYPE_CHECKING:
    from rekku.app import Rekku
    from rekku.loader.report import FileReport

log = logging.getLogger(__name__)

HIDDEN_STATES = frozenset({"helper"})


def run(arguments: argparse.Namespace) -> int:
    """0 if all that is configured works, else 1."""
    ground = begin(arguments)
    ground.log_to(None)
    logging.getLogger().setLevel(logging.CRITICAL)
    return asyncio.run(_examine(ground))


async def _examine(ground: Ground) -> int:
    from rekku.app import running

    async with running(ground.home, ground.environ, start=False) as rekku:
        reports = [r for r in rekku.loader.reports.values() if r.state not in HIDDEN_STATES]
        reports.sort(key=lambda r: (r.kind, r.name, r.builtin))
        print(_table([(r.name, r.state, str(r.file), r.reason or await _health(rekku, r)) for r in reports]))
        for report in reports:
            if report.traceback:
                print(f"\n{report.file}:\n{ground.redaction.clean(report.traceback).rstrip()}")
        print()
        database = await _database(rekku)
        engine, trouble = await rekku.doctor_engine()
        print(f"database  {rekku.database.kind}: {database or 'works'}")
        print(f"engine    {engine or 'none'}: {trouble or 'works'}")
    return 1 if database or trouble or any(_is_broken(report) for report in reports) else 0


def _is_broken(report: "FileReport") -> bool:
    """Whether it ought to work and does not. A built-in whose library is not installed was not asked for."""
    return report.state == "failed" or (report.state == "missing" and not report.builtin)


async def _health(rekku: "Rekku", report: "FileReport") -> str:
    """What a plugin or an interface that is loaded says about itself; it was not started, so it may not know."""
    from rekku.core.registry import Kind

    component = rekku.registry.get(report.kind, report.name)
    if report.state != "loaded" or component is None or component.kind is Kind.ENGINE:
        return ""
    try:
        return str(await component.members.call("health"))
    except Exception:  # the door to a component's own code
        log.debug("%s cannot say how it is before it is started.", report.name, exc_info=True)
        return ""


async def _database(rekku: "Rekku") -> str:
    """What is wrong with the database; "" if nothing is."""
    from rekku.core.database import Schema
    from rekku.store.migrations import done_steps
    from rekku.store.schema import SCHEMA

    schemas = [SCHEMA, *(component.members.value("tables") for component in rekku.registry)]
    try:
        done = await done_steps(rekku.database)
    except RekkuError as error:
        return str(error)
    for schema in schemas:
        if isinstance(schema, Schema) and done.get(schema.component, 0) > len(schema.steps):
            return str(NewerSchema(schema.component, done[schema.component], len(schema.steps)))
    return ""


def _table(rows: Iterable[tuple[str, str, str, str]]) -> str:
    rows = list(rows)
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, (*widths, 0), strict=True)).rstrip() for row in rows)
