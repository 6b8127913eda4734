"""Errors for names that tine lacks: they say whether PyTorch has the name."""

from . import _C


def not_there_yet(*places: str, name: str) -> str:
    """A sentence that says that tine lacks the name, if one of these places of PyTorch has it; otherwise an empty text."""
    return next(filter(None, (_C._not_there_yet(place, name) for place in places)), "")


def attribute_error(text: str, *places: str, name: str, hint: str = "") -> AttributeError:
    """The AttributeError `text`, with what there is to say of the name.

    Then it names no object, or Python would offer another attribute for it.
    """
    hint = hint or not_there_yet(*places, name=name)
    return AttributeError(f"{text}: {hint}", name=name) if hint else AttributeError(text)


def module_attribute_error(module: str, name: str, hint: str = "") -> AttributeError:
    """For a module's __getattr__."""
    place = module.replace("tine", "torch", 1)
    return attribute_error(f"module '{module}' has no attribute '{name}'", place, name=name, hint=hint)
