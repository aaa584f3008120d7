"""Cut text into what the diary is searched by, in Python, so that both databases search alike.

Words are casefolded, without accents, and lose their endings and what is beyond their first letters. Chinese and
Japanese, which set no spaces, become single characters and pairs.
"""

import re
import unicodedata

_CJK = "\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_PIECE = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
_ASCII = re.compile("[a-z0-9]+")
_CJK_START = re.compile(rf"[{_CJK}]")
_KANA = re.compile("[\u3040-\u309f]+")
_ANY_KANA = re.compile("[\u3040-\u30ff]")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_ENDINGS = (
    ("sses", "ss"),
    ("ies", "y"),
    ("ing", ""),
    ("edly", ""),
    ("ed", ""),
    ("ly", ""),
    ("ment", ""),
    ("ness", ""),
    ("tion", "t"),
    ("es", ""),
    ("ern", "er"),
    ("en", ""),
    ("s", ""),
)
_ACCENTS = re.compile("(?<=[a-z])[\u0300-\u036f]+")
LONGEST = 20_000
"""Characters of a text that are looked at."""

LONGEST_WORD = 40
TELLING = 6
"""Characters of a word that count: what follows is mostly an ending or the rest of a compound, in any language."""

MOST_REMEMBERED = 50_000

_FUNCTION_WORDS = """
a about above after again against all also am an and any are as at be because been before being below between both but
by can could did do does doing down during each few for from further get go got had has have having he her here hers him
his how i if in into is it its just let like ll lot m me more most much my no nor not now of off on once one only or
other our out over own re s same she should so some such t than that the their them then there these they this those
through to too under until up ve very was we were what when where which while who whom why will with would you your

ad agli ai al alla alle allo anche avere aveva c che chi ci come con cosa cui da dai dal dalla dalle dallo degli dei del
della delle dello di dov dove e ed era erano essere fra gli ha hai hanno ho il io l la le lei lo loro lui ma mi mia mie
miei mio ne negli nei nel nella nelle nello noi non o per perche piu quale quali quando quanto quello questa queste
questi questo sei si sia sono sta stato su sua sue sugli sui sul sulla suo suoi ti tra tu tua tuo un una uno vi voi

aber als am an auch auf aus bei beim bin bis bist da dann das dass daß dein deine dem den denn der des dich die dir doch
du durch ein eine einem einen einer eines er es euch fur für habe haben hat hatte ich ihm ihn ihr ihre im in ins ist ja
jetzt kann kein keine man mein meine meinem meinen meiner mich mir mit nach nicht noch nur ob oder schon sein seine sich
sie sind so und uns unser unter vom von vor war waren warum was weil wenn wer werden wie wir wird wo zu zum zur
"""


def words(text: str) -> list[str]:
    """The words of a text, in order; function words are left out."""
    flat = plain(text[:LONGEST])
    if flat.isascii():
        return [stemmed for piece in _ASCII.findall(flat) if (stemmed := _stems[piece])]
    found: list[str] = []
    for piece in _PIECE.findall(flat):
        if piece[0] > "\u3000" and _CJK_START.match(piece):
            found += piece
            found += (piece[at : at + 2] for at in range(len(piece) - 1))
        elif stemmed := _stems[piece]:
            found.append(stemmed)
    return found


def query_words(text: str, most: int) -> list[str]:
    """The words to search by, each once. Of kana only pairs are worth it. Too many are thinned out evenly."""
    found: dict[str, None] = {}
    for piece in _PIECE.findall(plain(text[:LONGEST])):
        if not _CJK_START.match(piece):
            if stemmed := _stems[piece]:
                found[stemmed] = None
        elif len(piece) == 1:
            found[piece] = None
        else:
            pairs = [piece[at : at + 2] for at in range(len(piece) - 1)]
            found |= dict.fromkeys(pair for pair in pairs if not _KANA.fullmatch(pair) or len(pairs) < 4)
            found |= dict.fromkeys(single for single in piece if not _ANY_KANA.match(single))
    listed = list(found)
    if len(listed) <= most:
        return listed
    return [listed[at * len(listed) // most] for at in range(most)]


def sentences(text: str) -> list[str]:
    """The sentences of a text."""
    return [part.strip() for part in _SENTENCE_END.split(text[:LONGEST]) if part and part.strip()]


def stem(word: str) -> str:
    """A word without its commonest endings; what it gives is the same for related forms, and no word of its own."""
    if len(word) <= 3 or not word.isalpha():
        return word
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) + len(instead) >= 3 and not word.endswith("ss"):
            word = word[: len(word) - len(ending)] + instead
            break
    word = word[:TELLING]
    if len(word) > 3 and word[-1] in "aeioy":
        word = word[:-1]
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]
    return word


def plain(text: str) -> str:
    """A text casefolded, in one form, Latin letters without accents."""
    if text.isascii():
        return text.casefold()
    parted = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFC", _ACCENTS.sub("", parted))


class _Stems(dict[str, str]):
    """What a piece of text is searched by, "" for function words; those that came up are remembered."""

    def __missing__(self, piece: str) -> str:
        if len(self) >= MOST_REMEMBERED:
            self.clear()
        self[piece] = stemmed = "" if piece in FUNCTION_WORDS else stem(piece[:LONGEST_WORD])
        return stemmed


_stems = _Stems()
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
