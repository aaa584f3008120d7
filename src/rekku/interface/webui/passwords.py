"""Passwords: what is a good one, and how they are kept (scrypt)."""

import base64
import hashlib
import hmac
import os
import unicodedata

SHORTEST, LONGEST = 10, 200
COST, BLOCK, PARALLEL = 2**15, 8, 1
MEMORY = 64 * 2**20
WEAK = ("password", "passwort", "qwerty", "letmein", "iloveyou", "1234567", "abc123", "rekku", "admin", "welcome")


def fault(password: str) -> str:
    """What is wrong with a new password, "" if nothing is."""
    if len(password) < SHORTEST:
        return f"A password has at least {SHORTEST} characters. A few words in a row are a good one."
    if len(password) > LONGEST:
        return f"A password has at most {LONGEST} characters."
    plain = password.casefold()
    rest = len(password)
    for word in WEAK:
        if word in plain:
            rest -= len(word)
    if len(set(plain)) < 5 or rest < SHORTEST - 4:
        return "That password is one of the first that anybody would try."
    return ""


def digest(password: str) -> str:
    """What is kept of a password. Takes about 0.1 s: call it in a thread."""
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
