"""What every interface does alike, whatever its platform: one suite, run for each of them.

A platform's test module has a class of its own that inherits from `Conformance`, says in `can` what its platform is
able to do, and makes its `World`. The parts are `talking` and `keeping`.
"""

from tests.interface.keeping import Keeping
from tests.interface.suite import GROUP, OGG, PNG, asked, does, needs
from tests.interface.talking import Talking

__all__ = ["GROUP", "OGG", "PNG", "Conformance", "asked", "does", "needs"]


class Conformance(Talking, Keeping):
    """The whole suite."""
