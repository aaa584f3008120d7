"""Every error of Rekku, named by who must act on it.

    RekkuError
    ├── ConfigError          the operator: a setting, the home, the database
    │   └── NewerSchema      the database was written by a newer Rekku
    ├── PluginError          the author of a component
    ├── ActionError          the model: an action cannot be done as asked
    ├── StoreError           nobody yet: the database is away, the work waits
    ├── EngineError          a language model gave no answer
    │   ├── EngineBusy       overloaded; try again, perhaps after `retry_after`
    │   ├── EngineUnreachable  no connection, or it broke
    │   └── EngineRefused    wrong key, unknown model, bad request: trying again is useless
    └── DeliveryError        an interface did not deliver a message
        ├── NotReachable     the chat is not there now; it is kept until it is
        ├── DeliveryDelayed  rate limited; send again after `retry_after`
        ├── DeliveryRefused  the platform will never take it
        └── DeliveryUnknown  it may have arrived (a time-out after sending)

A message says what is wrong, where, and what to do; it never contains a secret.
"""

from collections.abc import Sequence


class RekkuError(Exception):
    """Whatever Rekku raises on purpose."""


class ConfigError(RekkuError, ValueError):
    """Something that the operator has to put right."""


class NewerSchema(ConfigError):
    """The database holds steps that this version does not know."""

    def __init__(self, component: str, found: int, known: int) -> None:
        super().__init__(
            f"The database was written by a newer Rekku ({component} is at step {found}, this version knows {known}). "
            "Upgrade Rekku, or restore a backup that was made with this version."
        )


class PluginError(RekkuError):
    """A component breaks the contract; its author has to put it right."""


class ActionError(RekkuError, ValueError):
    """An action cannot be done; `problems` go back to the model, one sentence each."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems: Sequence[str] = problems


class StoreError(RekkuError, ConnectionError):
    """The database does not answer; what was asked has not happened."""


class EngineError(RekkuError):
    """A language model gave no answer."""


class EngineBusy(EngineError):
    """The model's server is overloaded; `retry_after` is its own wish in seconds."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class EngineUnreachable(EngineError, ConnectionError):
    """The model's server cannot be reached, or the connection broke."""


class EngineRefused(EngineError):
    """The model's server answered that it will not do it."""


class DeliveryError(RekkuError):
    """A message was not delivered."""


class NotReachable(DeliveryError):
    """The chat is not there now (a closed terminal); the message waits for it."""


class DeliveryDelayed(DeliveryError):
    """The platform wants fewer messages; `retry_after` in seconds."""

    def __init__(self, reason: str, retry_after: float) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class DeliveryRefused(DeliveryError):
    """The platform will never take this message (the chat is gone, the bot was removed)."""


class DeliveryUnknown(DeliveryError):
    """The message may have arrived: the connection broke after it was sent."""
