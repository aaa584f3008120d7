"""What a message of Telegram's says, as a text."""

from telegram import Message, MessageEntity


def said(message: Message) -> str:
    """The words of a message; in brackets what is no text."""
    if message.text or message.caption:
        return _with_links(message)
    if message.sticker:
        return f"[sticker {message.sticker.emoji or ''}]".replace(" ]", "]")
    if venue := message.venue:
        return f"[place {venue.title}, {venue.address}: {_point(venue.location)}]"
    if message.location:
        return f"[location {_point(message.location)}]"
    if message.contact:
        return f"[contact {message.contact.first_name} {message.contact.phone_number}]"
    if message.poll:
        return f"[poll: {message.poll.question}]"
    if message.dice:
        return f"[{message.dice.emoji} {message.dice.value}]"
    return ""


def says_something(message: Message) -> bool:
    """Whether anybody says anything; not so if somebody came, a message was pinned, a topic began."""
    return bool(said(message) or message.effective_attachment)


def _point(location: object) -> str:
    return f"{location.latitude:.5f}, {location.longitude:.5f}"  # type: ignore[attr-defined]


def _with_links(message: Message) -> str:
    """The text, in which each word that is a link is followed by where it goes; entities count UTF-16 units."""
    text = (message.text or message.caption or "").encode("utf-16-le")
    links = [e for e in (message.entities or message.caption_entities) if e.type == MessageEntity.TEXT_LINK and e.url]
    for link in sorted(links, key=lambda entity: -entity.offset):
        end = 2 * (link.offset + link.length)
        if text[2 * link.offset : end].decode("utf-16-le", "replace") != link.url:
            text = text[:end] + f" ({link.url})".encode("utf-16-le") + text[end:]
    return text.decode("utf-16-le", "replace")
