"""An option of the configuration: a field of a section's class, with its meaning."""

from dataclasses import field
from typing import Any


def option(
    default: Any = None,
    help: str = "",
    *,
    factory: Any = None,
    unit: str = "",
    choices: tuple[str, ...] = (),
    least: float = 0,
    most: float = 2**62,
    form: str = "",
) -> Any:
    """A field with its meaning.

    unit: octets, seconds, connections and the like.  choices: the words allowed, alone or in a list.
    least, most: the range of a number.  form: what a text must look like, a name in ``config.forms``.
    """
    metadata = {"help": help, "unit": unit, "choices": choices, "least": least, "most": most, "form": form}
    if factory is not None:
        return field(default_factory=factory, metadata=metadata)
    return field(default=default, metadata=metadata)
