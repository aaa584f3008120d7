"""The settings of Rekku itself; components declare their own."""

from rekku.core.settings import Setting

PRICE = r"([^\s=*]+\*?|\*)=[0-9]{1,9}(\.[0-9]{1,9})?/[0-9]{1,9}(\.[0-9]{1,9})?"

TRAINER_IDS = Setting("TRAINER_IDS", "The owner's accounts, as interface:id, separated by commas.", list, ())

SETTINGS: tuple[Setting, ...] = (
    TRAINER_IDS,
    Setting("TELEGRAM_TRAINER_ID", "The owner's Telegram user id, like telegram_bot:id in TRAINER_IDS."),
    Setting("KNOWN_IDS", "Accounts of people who are known from the start, as interface:id.", list, ()),
    Setting(
        "RESTRICT_ACTIONS",
        "Who may run restricted actions: on (nobody), trainer_only, off (known people too); else on.",
        default="trainer_only",
    ),
    Setting(
        "HIGH_RISK_CHATS",
        "Chats, as interface:chat_id, where high-risk actions are offered to the trainer beside direct chats.",
        list,
        (),
    ),
    Setting(
        "APPROVALS",
        "When a high-risk action waits for your /approve: tainted (other people's words are in sight), always, never.",
        default="tainted",
        choices=("tainted", "always", "never"),
    ),
    Setting(
        "GROUP_ANSWERS",
        "What Rekku answers in group chats: a mention of it, a reply to it, its name; or all that is said there.",
        list,
        ("mention", "reply", "name"),
        choices=("mention", "reply", "name", "all"),
    ),
    Setting("ACTIVE_LLM", "The engine to think with, until /llm chooses another."),
    Setting("FALLBACK_LLM", "Engines to try, in this order, when the first gives no answer.", list, ()),
    Setting("ENGINE_TIMEOUT", "Seconds that one call of a model may take.", float, 120.0, minimum=1),
    Setting("TOKENS_PER_DAY", "Tokens that may be used in one day (UTC); 0 for no limit.", int, 0, minimum=0),
    Setting(
        "MODEL_PRICES",
        "What models cost, as model=in/out in US dollars per million tokens; gpt-5* is every name that begins so.",
        list,
        (),
        pattern=PRICE,
        like="gpt-5=1.25/10",
    ),
    Setting("CORRECTOR_RETRIES", "How often a model may correct actions that failed.", int, 2, minimum=0, maximum=10),
    Setting("HISTORY_MESSAGES", "How many recent messages a prompt holds.", int, 10, minimum=0, maximum=1000),
    Setting("MAX_ACTIONS", "How many actions one reply may ask for.", int, 10, minimum=1, maximum=100),
    Setting("MAX_SENDS", "How many messages one turn may send.", int, 5, minimum=1, maximum=100),
    Setting("MAX_STEPS", "How many replies of the model one turn may take.", int, 8, minimum=1, maximum=100),
    Setting("ACTION_TIMEOUT", "Seconds that an action may take, if it does not say itself.", float, 60.0, minimum=1),
    Setting("INJECTION_TIMEOUT", "Seconds that a prompt waits for a plugin's facts.", float, 2.0, minimum=0.05),
    Setting("UNKNOWN_PER_MINUTE", "Messages a minute from an unknown person; more are delayed.", int, 5, minimum=1),
    Setting("DEFER_HOURS", "Hours until an unanswered message is given up.", float, 24.0, minimum=0.01),
    Setting("JOURNAL_DAYS", "Days that finished turns are kept for /why; history stays.", int, 90, minimum=1),
    Setting("DB_HOST", "The MariaDB server; without it the database is a file in the home."),
    Setting("DB_PORT", "The port of the MariaDB server.", int, 3306, minimum=1, maximum=65535),
    Setting("DB_USER", "The MariaDB user.", default="rekku"),
    Setting("DB_PASS", "The MariaDB password.", secret=True),
    Setting("DB_NAME", "The MariaDB database.", default="rekku"),
    Setting("REKKU_PLUGINS", "Load only the components of these names.", list, ()),
    Setting(
        "REKKU_OFF", "Components that are not loaded though they are there, by the names of their files.", list, ()
    ),
    Setting("LOG_LEVEL", "How much is logged.", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR")),
)
