"""Whether an optimizer of torch is given what its `__setstate__` may look at.

Those methods go through the groups of parameters and through what is remembered of each parameter, add options that old versions lack,
and make tensors of numbers. They ask for no more than exact dictionaries, lists, numbers and tensors answer by themselves; what is
remembered lies in a `defaultdict`, into which a pattern cannot look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_modelguard.policy.record import is_made

if TYPE_CHECKING:
    from jupyter_modelguard.policy.layouts import Facts

__all__ = ["wrong_with_optimizer"]

_TENSORS = frozenset({"torch.Tensor", "torch.nn.Parameter"})
_NUMBERS = frozenset({type(None), bool, int, float})


def wrong_with_optimizer(_arguments: tuple[Any, ...], state: Any, facts: Facts) -> str:
    """Say what an optimizer remembers that is not what torch writes; nothing if all is. The state fits its pattern."""
    if state is None:
        return ""
    remembered = facts.pairs(state["state"])
    if remembered is None or facts.given(state["state"])[1:]:
        return "what it remembers was not put there one by one"
    good = all(_is_tensor(key, facts) and _is_memory(memory, facts) for key, memory in remembered)
    return "" if good else "it remembers something else than numbers and tensors of its parameters"


def _is_tensor(value: Any, facts: Facts) -> bool:
    return is_made(value) and facts.makes(value) in _TENSORS


def _is_memory(memory: Any, facts: Facts) -> bool:
    return type(memory) is dict and all(type(key) is str and _is_number(value, facts) for key, value in memory.items())


def _is_number(value: Any, facts: Facts) -> bool:
    if type(value) is list:  # what LBFGS keeps of its last steps
        return all(type(item) is not list and _is_number(item, facts) for item in value)
    return _is_tensor(value, facts) or (not is_made(value) and type(value) in _NUMBERS)
