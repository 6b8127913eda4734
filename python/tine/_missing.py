"""What is said of a name that is not here: whether PyTorch has it."""

from . import _C


def note(*places, name):
    """`": `torch.nn.Conv2d` is not there yet"` when one of these places of PyTorch has that name, else `""`."""
    for place in places:
        why = _C._not_there_yet(place, name)
        if why is not None:
            return ": " + why
    return ""


def attribute_error(module_name, name):
    """For a module's __getattr__. The error names no object, so that Python offers no other attribute for the name."""
    place = module_name.replace("tine", "torch", 1)
    why = note(place, name=name)
    error = f"module '{module_name}' has no attribute '{name}'{why}"
    return AttributeError(error, name=name) if why else AttributeError(error)
