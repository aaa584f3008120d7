"""Passwords: what is a good one (zxcvbn), and how they are kept (scrypt).

Sources: OWASP ASVS 5.0, 6.2 and Appendix C (parameters of scrypt).
"""

import base64
import hashlib
import hmac
import os
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

SHORTEST, LONGEST = 10, 200
GUESSES = 10**10
"""So many guesses it must withstand, as ten random characters do: zxcvbn's highest score, rounded down. Three common
words stand 10^13 of them, `Password2024!` 10^7, `hello world` 10^8."""
LOOKED_AT = 40
"""Characters that are looked at: the time grows with the square, and is 0.6 s at worst for these."""
COST, BLOCK, PARALLEL = 2**15, 8, 3
MEMORY = 64 * 2**20

EASY = "That password is easily guessed: {why}. A few words in a row are a good one."
REASONS: Mapping[str, str] = {
    "passwords": "it is, or is much like, one that many people have",
    "user_inputs": "it is made of names that belong to this Rekku",
    "spatial": "its keys lie side by side",
    "repeat": "it repeats itself",
    "sequence": "it is a row, like abc or 6543",
    "date": "it is a date",
    "regex": "it is a year",
    "bruteforce": "it is too short for what it is made of",
}
WORD = "it is little more than one word or name"


def fault(password: str, names: Sequence[str]) -> str:
    """What is wrong with a new password, "" if nothing is; `names` are words that others know to belong here.

    Takes up to 0.7 s, and at its first call 14 MB: call it in a thread.
    """
    if len(password) < SHORTEST:
        return f"A password has at least {SHORTEST} characters. A few words in a row are a good one."
    if len(password) > LONGEST:
        return f"A password has at most {LONGEST} characters."
    from zxcvbn import zxcvbn

    found = zxcvbn(password[:LOOKED_AT], user_inputs=names)
    return EASY.format(why=_reason(found["sequence"])) if found["guesses"] < GUESSES else ""


def _reason(sequence: Sequence[Mapping[str, Any]]) -> str:
    """Why a password is weak: what is to be said of its longest part that is no accident."""
    known = [part for part in sequence if part["pattern"] != "bruteforce"] or sequence
    longest = max(known, key=lambda part: len(part["token"]))
    return REASONS.get(longest.get("dictionary_name") or longest["pattern"], WORD)


def digest(password: str) -> str:
    """What is kept of a password. Takes about 0.3 s: call it in a thread."""
    salt = os.urandom(16)
    key = _scrypt(password, salt, COST, BLOCK, PARALLEL)
    return "$".join(("scrypt", str(COST), str(BLOCK), str(PARALLEL), *map(_text, (salt, key))))


def fits(password: str, kept: str) -> bool:
    """Whether it is the password. Takes as long as `digest`, whatever the answer."""
    _, cost, block, parallel, salt, key = kept.split("$")
    made = _scrypt(password, base64.b64decode(salt), int(cost), int(block), int(parallel))
    return hmac.compare_digest(made, base64.b64decode(key))


def _scrypt(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    text = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(text, salt=salt, n=cost, r=block, p=parallel, maxmem=MEMORY, dklen=32)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
