"""What the owner can set about the diary."""

from rekku.core.settings import Setting

SETTINGS = (
    Setting(
        "DIARY_CHARACTERS",
        "The most characters of the diary in a prompt; small models get at most an eighth of what they take.",
        int,
        4000,
        minimum=0,
        maximum=100_000,
    ),
    Setting("DIARY_MOOD_HALF_LIFE", "Hours after which a feeling has half of its strength.", float, 6.0, minimum=0.1),
    Setting(
        "DIARY_KEEP_DAYS",
        "Days after which entries are erased; 0 keeps them for good.",
        int,
        0,
        minimum=0,
        maximum=36_500,
    ),
)
