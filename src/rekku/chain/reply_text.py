"""What local models leave around their answer: spaces, special tokens, thinking, broken characters."""

import re

SPACES = " \t\r\n\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
SPACES += "\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
"""What may stand around an answer: white space, zero-width space, byte order mark."""

THINKING = ("think", "thinking", "reasoning", "thought")
"""The tags in which reasoning models write what nobody should read."""

_MOST_TOKENS = 20
_TOKEN = r"<[|｜][\w▁]{1,40}[|｜]>|</?s>|<[be]os>|<(?:start|end)_of_turn>|\[/?INST\]"
_ROLE = r"<\|im_start\|>assistant\b|<start_of_turn>model\b|<\|start_header_id\|>assistant\b"
FIRST_TOKEN = re.compile(rf"{_ROLE}|{_TOKEN}")
_LAST_TOKEN = re.compile(rf"(?:{_TOKEN})\Z")
_LONGEST_TOKEN = 48
OPEN_THINKING = re.compile(rf"<({'|'.join(THINKING)})>", re.IGNORECASE)
_HARMONY = ("<|channel|>", "<|start|>")
_HARMONY_ANSWER = "<|channel|>final<|message|>"


def answer_in(text: str) -> str | None:
    """The answer without thinking, special tokens and spaces around it; None if the thinking never ended."""
    text = text.strip(SPACES)
    if text.startswith(_HARMONY):
        at = text.find(_HARMONY_ANSWER)
        if at < 0:
            return None
        text = text[at + len(_HARMONY_ANSWER) :]
    text = _without_last_tokens(text)
    for _ in range(_MOST_TOKENS):
        if token := FIRST_TOKEN.match(text):
            text = text[token.end() :].lstrip(SPACES)
        elif opened := OPEN_THINKING.match(text):
            closed = re.compile(f"</{opened[1]}>", re.IGNORECASE).search(text, opened.end())
            if closed is None:
                return None
            text = text[closed.end() :].lstrip(SPACES)
        else:
            break
    return _after_unopened_thinking(text).strip(SPACES)


def _without_last_tokens(text: str) -> str:
    for _ in range(_MOST_TOKENS):
        text = text.rstrip(SPACES)
        tail = text[-_LONGEST_TOKEN:]
        token = _LAST_TOKEN.search(tail)
        if token is None:
            break
        text = text[: len(text) - len(tail) + token.start()]
    return text


def _after_unopened_thinking(text: str) -> str:
    """Some servers put the opening tag into the prompt, so that the reply holds only the closing one."""
    tag = "</think>"
    at = text.find(tag)
    if at < 0 or text[:1] in {"{", "[", "`", '"'}:
        return text
    before, after = text[:at].rstrip(" \t"), text[at + len(tag) :].lstrip(" \t")
    alone = before[-1:] in {"", "\n"} or after[:1] in {"\r", "\n", "{", "["} or after.startswith("```")
    return after if alone else text
