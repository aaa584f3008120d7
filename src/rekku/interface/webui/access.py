"""Where the owner is logged in, and the tokens of other programs."""

import secrets
from typing import Any

from rekku.core.principal import TRAINER_PERSON
from rekku.interface.webui import requests
from rekku.interface.webui.context import INTERFACE, OWNER_ID
from rekku.interface.webui.requests import Ask, Problem

TOKEN_USER = "token-"
MOST_TOKENS = 100


async def sessions(ask: Ask) -> Any:
    """Who is logged in as the owner, where, and since when."""
    return [
        {
            "id": one.id,
            "agent": one.agent,
            "since": one.created_at.isoformat(),
            "seen": one.seen_at.isoformat(),
            "this": one.id == ask.session.id,
        }
        for one in await ask.context.sessions.all()
        if one.is_owner
    ]


async def end_session(ask: Ask) -> Any:
    """One session, or all others, end."""
    content = await ask.told()
    wanted = requests.text_of(content, "id", 100)
    for one in await ask.context.sessions.all():
        if one.id == wanted or (not wanted and one.is_owner and one.id != ask.session.id):
            await ask.context.sessions.end(one.id)


async def tokens(ask: Ask) -> Any:
    """All tokens, with the names of those for whom they speak."""
    names = {a.user.id: p.name for p in await ask.context.host.people() for a in p.accounts if a.interface == INTERFACE}
    return [
        {
            "id": token.id,
            "name": token.name,
            "person": "you" if token.user_id == OWNER_ID else names.get(token.user_id, "nobody any more"),
            "since": token.created_at.isoformat(),
            "used": token.used_at.isoformat() if token.used_at else "",
        }
        for token in await ask.context.tokens.all()
    ]


async def new_token(ask: Ask) -> Any:
    """A new token for the owner, or for somebody whom Rekku knows; its text is told this one time."""
    content = await ask.told()
    name, person = requests.text_of(content, "name", 100).strip(), requests.text_of(content, "person", 200)
    if not name:
        raise Problem("Give the token a name, so that you know later which program it is for.")
    if len(await ask.context.tokens.all()) >= MOST_TOKENS:
        raise Problem("There are too many tokens. Revoke some.")
    token_id, user_id = secrets.token_hex(8), OWNER_ID
    if person and person != TRAINER_PERSON:
        user_id = TOKEN_USER + token_id
        await ask.house.give_account(person, INTERFACE, user_id)
    return {"token": await ask.context.tokens.make(token_id, name, user_id)}


async def end_token(ask: Ask) -> Any:
    """A token is good no more."""
    await ask.context.tokens.end(requests.text_of(await ask.told(), "id", 100))
