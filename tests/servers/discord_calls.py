"""The calls of Discord's REST API that our server answers."""

import mimetypes
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.servers.discord_server import DiscordServer

OWN = ("edits", "nonce_seen", "files", "pings")
UNKNOWN_MESSAGE = {"message": "Unknown Message", "code": 10008}


async def answer(
    server: "DiscordServer",
    method: str,
    path: list[str],
    body: Any,
    files: list[tuple[str, bytes]],
    query: dict[str, str],
) -> tuple[int, Any]:
    """Status and body of the answer to a call."""
    from tests.servers.discord_server import ME, me

    match method, path:
        case "GET", ["users", "@me"]:
            return 200, me() | {"mfa_enabled": False, "locale": "en-US", "premium_type": 0}
        case "GET", ["oauth2", "applications", "@me"]:
            return 200, _application(me())
        case "PUT", ["applications", _, "commands"]:
            server.menu = body
            return 200, [_command(server.number(), ME, command) for command in body]
        case "POST", ["channels", channel, "messages"]:
            return 200, public(_posted(server, channel, body, files))
        case "GET", ["channels", channel, "messages"]:
            after = int(query.get("after", 0))
            found = [m for m in server.messages.get(channel, []) if int(m["id"]) > after]
            return 200, [public(m) for m in found[: int(query.get("limit", 50))][::-1]]
        case "PATCH", ["channels", _, "messages", number]:
            return _edited(server, number, body)
        case "DELETE", ["channels", channel, "messages", number]:
            server.messages[channel] = [m for m in server.messages[channel] if m["id"] != number]
            return 204, None
        case "PUT", ["channels", _, "messages", number, "reactions", *_]:
            return 204, None
        case "POST", ["channels", _, "typing"]:
            return 204, None
        case "GET", ["channels", channel]:
            return 200, {key: value for key, value in server.channels[channel].items() if key != "position"}
        case "POST", ["interactions", number, _, "callback"]:
            if body["type"] == 7:  # the message with the button is changed
                server.pressed["components"] = body["data"].get("components") or []
            if query.get("with_response") not in ("true", "True", "1"):
                return 204, None
            told = {"id": number, "type": 3, "response_message_loading": False, "response_message_ephemeral": False}
            return 200, {"interaction": told}
        case "DELETE", ["webhooks", _, _, "messages", "@original"]:
            return 204, None
    return 404, {"message": "404: Not Found", "code": 0}


def public(message: dict[str, Any]) -> dict[str, Any]:
    """A message as Discord tells of it."""
    return {key: value for key, value in message.items() if key not in OWN}


def _posted(server: "DiscordServer", channel: str, body: Any, files: list[tuple[str, bytes]]) -> dict[str, Any]:
    from tests.servers.discord_server import me

    nonce = body.get("nonce")
    if body.get("enforce_nonce") and nonce in server.nonces and server.knows_nonces:
        return server.nonces[nonce]
    message = server.put(channel, me(), body.get("content") or "", components=_components(body.get("components")))
    message["files"] = tuple(_kind(name, data) for name, data in files)
    message["attachments"] = [
        {"id": server.number(), "filename": name, "size": len(data), "url": f"{server.url}/files/{name}",
         "proxy_url": f"{server.url}/files/{name}"} for name, data in files
    ]  # fmt: skip
    if reference := body.get("message_reference"):
        quoted = {name: str(value) for name, value in reference.items() if name.endswith("_id")}
        message |= {"type": 19, "message_reference": {**quoted, "type": 0}}
    allowed = body.get("allowed_mentions", {"parse": ["everyone", "users", "roles"]})
    named = [word for word in ("@everyone", "@here") if word in message["content"]]
    message["pings"] = named if "everyone" in allowed.get("parse", ()) else []
    if nonce is not None:
        server.nonces[nonce] = message
        message["nonce"] = nonce
    return message


def _edited(server: "DiscordServer", number: str, body: Any) -> tuple[int, Any]:
    try:
        message = server.find(number)
    except StopIteration:
        return 404, UNKNOWN_MESSAGE
    if "content" in body:
        message |= {"content": body["content"], "edits": message["edits"] + 1}
        message["edited_timestamp"] = datetime.now(UTC).isoformat()
    if "components" in body:
        message["components"] = _components(body["components"])
    return 200, public(message)


def _components(given: Any) -> list[dict[str, Any]]:
    """Rows of buttons, with the numbers that Discord gives them."""
    rows = [dict(row) for row in given or ()]
    for at, row in enumerate(rows, 1):
        row["id"] = at * 10
        row["components"] = [{**button, "id": at * 10 + n} for n, button in enumerate(row["components"], 1)]
        for button in row["components"]:
            button.pop("disabled", None)
    return rows


def _kind(name: str, data: bytes) -> tuple[str, str, bytes]:
    kind = (mimetypes.guess_type(name)[0] or "file/").split("/")[0]
    return (kind if kind in ("image", "audio", "video") else "file", name, data)


def _application(bot: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": bot["id"], "name": "Rekku", "icon": None, "description": "", "type": None, "verify_key": "0" * 64,
        "flags": 0, "flags_new": "0", "redirect_uris": [], "interactions_endpoint_url": None,
        "role_connections_verification_url": None, "owner": bot | {"bot": False}, "approximate_guild_count": 1,
        "approximate_user_install_count": 0, "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0, "team": None, "eligible_oauth2_scopes": [], "bot_public": True,
        "bot_require_code_grant": False, "summary": "", "rpc_origins": [],
    }  # fmt: skip


def _command(number: str, application: str, command: dict[str, Any]) -> dict[str, Any]:
    unnamed = {"name_localizations": None, "description_localizations": None}
    return {
        "id": number, "application_id": application, "version": number, "default_member_permissions": None,
        "type": 1, "name": command["name"], "name_localizations": None, "description": command["description"],
        "description_localizations": None, "dm_permission": True, "contexts": None, "integration_types": [0],
        "options": [{**option, **unnamed} for option in command["options"]],
        "nsfw": False,
    }  # fmt: skip
