"""Feelings: how they are read from words when the model names none, how they fade, and what is left of them now."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from rekku.plugins._ai_diary.entry import Entry, Feeling
from rekku.plugins._ai_diary.tokens import plain

STRONGEST = 10.0
FELT_STILL = 1.0
"""What is weaker than this is not felt any more."""

MOST_FEELINGS = 5
_SIGNS = {
    "joy": "happy glad great wonderful love thank haha :) <3 felice grazie bello adoro glücklich freu danke toll "
    "schön liebe 开心 高兴 谢谢 喜欢 嬉しい うれしい ありがとう 楽しい 好き",
    "sadness": "sad cry miss lonely died lost :( triste piango manca morto solo traurig wein vermisse gestorben einsam "
    "难过 伤心 哭 想念 悲しい 寂しい 泣",
    "worry": "afraid worried scared anxious problem hospital paura preoccupat ansia problema angst sorge besorgt "
    "担心 害怕 心配 不安 怖い",
    "anger": "angry hate stupid furious annoy arrabbiat odio stupido wütend hasse dumm ärger 生气 讨厌 怒 ムカつく",
    "curiosity": "? why how what perché come cosa warum wie was ？ 为什么 怎么 什么 なぜ どう 何",
    "surprise": "wow amazing incredible suddenly incredibile wahnsinn unglaublich plötzlich 哇 竟然 びっくり 驚",
}
_CJK_OR_SIGN = re.compile(r"[^a-z]")


def felt_in(text: str) -> tuple[Feeling, ...]:
    """What a message makes one feel, judged by its words alone."""
    words = plain(text)
    found = {
        kind: len(set(starts.findall(words))) + sum(sign in words for sign in anywhere)
        for kind, (starts, anywhere) in SIGNS.items()
    }
    ranked = sorted((kind for kind in found if found[kind]), key=lambda kind: -found[kind])[:2]
    return tuple(Feeling(kind, float(min(8, 2 + 2 * found[kind]))) for kind in ranked) or (Feeling("calm", 2.0),)


def mood(entries: Iterable[Entry], now: datetime, half_life: timedelta) -> list[Feeling]:
    """What is still felt of these entries: each feeling loses half of its strength in each half-life."""
    left: dict[str, float] = {}
    for entry in entries:
        rest = 0.5 ** (max(timedelta(0), now - entry.timestamp) / half_life)
        for feeling in entry.emotions:
            left[feeling.type] = max(left.get(feeling.type, 0.0), feeling.intensity * rest)
    strong = sorted((kind for kind in left if left[kind] >= FELT_STILL), key=lambda kind: (-left[kind], kind))
    return [Feeling(kind, round(left[kind], 1)) for kind in strong[:MOST_FEELINGS]]


def _signs(text: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """How words begin that are a sign of a feeling, and what is one anywhere: Chinese and Japanese, and no letters."""
    signs = plain(text).split()
    starts = [sign for sign in signs if not _CJK_OR_SIGN.search(sign)]
    return re.compile(rf"\b(?:{'|'.join(starts)})"), tuple(sign for sign in signs if sign not in starts)


SIGNS = {kind: _signs(signs) for kind, signs in _SIGNS.items()}
