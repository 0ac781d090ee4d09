"""Other ways to the same weights: looked for when a card is about to be shown, tried, and offered only if they work for this very file.

Each way is tried in the limited worker, within a time that all of them share. Whatever fails, takes too long or cannot be told is not
offered. A way never changes what the call returns: it is the text of another call, which a person may put into a cell.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.stages.cell_call import find_call
from jupyter_modelguard.types import Judgement, RiskLevel, SaferWay

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable
    from types import FrameType

    from jupyter_modelguard.artifacts.source import StreamSource
    from jupyter_modelguard.engines.siblings import Sibling
    from jupyter_modelguard.engines.weights import WeightsPlan
    from jupyter_modelguard.engines.worker import Worker
    from jupyter_modelguard.stages.cell_call import CellCall
    from jupyter_modelguard.types import Assessment, LoadRequest

__all__ = ["NOTHING_SOUGHT", "SaferWays", "Sought"]

_log = logging.getLogger(__name__)
_SECONDS: Final = 20.0  # that all ways of one card may take together
_TORCH: Final = "torch.load"
_FORMATS: Final = frozenset({"torch-zip", "torch-legacy"})
_PROVED: Final = frozenset({Judgement.CLOSED, Judgement.INERT})
_MOST_ADDED: Final = 8  # names that a person would read before agreeing to them


@dataclass(frozen=True, slots=True)
class Sought:
    """What came of looking."""

    ways: tuple[SaferWay, ...] = ()
    tried: bool = False  # whether any way was really tried


NOTHING_SOUGHT: Final = Sought()
"""Where no way is known that could be tried."""


class SaferWays:
    """Looks for other ways to load what a call of `torch.load` asked for, or what else reads torch's files.

    Parameters
    ----------
    worker
        Tries them.
    seconds
        That all ways of one card may take.
    """

    def __init__(self, worker: Worker, seconds: float = _SECONDS) -> None:
        self._worker = worker
        self._seconds = seconds

    def seek(
        self,
        request: LoadRequest,
        assessment: Assessment,
        source: StreamSource,
        names: frozenset[tuple[str, str]],
        frame: FrameType | None,
    ) -> Sought:
        """Look for ways; it never raises.

        Parameters
        ----------
        request, assessment
            The load, and what is known of it.
        source
            Where its bytes lie.
        names
            What they resolve, as the interpreter's event gives it.
        frame
            Of the load, to find the call in the cell by.
        """
        if assessment.report.format not in _FORMATS or source.offset:
            return NOTHING_SOUGHT
        try:
            return _Search(self._worker, time.monotonic() + self._seconds, request, assessment, source).all_ways(names, frame)
        except Exception:  # noqa: BLE001 a fault of ours offers nothing
            _log.warning("Safer ways to load %s could not be looked for", request.source, exc_info=True)
            return NOTHING_SOUGHT


class _Search:
    """The ways of one card."""

    def __init__(
        self, worker: Worker, deadline: float, request: LoadRequest, assessment: Assessment, source: StreamSource
    ) -> None:
        self._worker = worker
        self._deadline = deadline
        self._request = request
        self._assessment = assessment
        self._source = source
        self._call: CellCall | None = None

    def all_ways(self, names: frozenset[tuple[str, str]], frame: FrameType | None) -> Sought:
        """Try each way in turn."""
        from jupyter_modelguard.engines.weights import WeightsPlan, plan_weights

        if self._request.loader == _TORCH:
            self._call = find_call(frame, _TORCH)
        path = self._request.source if os.path.isfile(self._request.source) else ""
        plan = self._attempt(plan_weights, self._source)
        ways: list[SaferWay | None] = []
        if isinstance(plan, WeightsPlan) and path:
            ways.append(self._sibling(plan, path))
        if self._request.loader == _TORCH and "weights_only=False" in self._request.call:
            ways += self._restricted(names, path)
        if isinstance(plan, WeightsPlan) and path and self._assessment.level is not RiskLevel.DANGEROUS:
            ways.append(self._weights(plan, path))
        return Sought(tuple(way for way in ways if way is not None), tried=True)

    def _attempt(self, task: Callable[..., Any], *arguments: Any) -> Any:
        left = self._deadline - time.monotonic()
        return self._worker.attempt(task, *arguments, seconds=left) if left > 0 else "there was no time left to try it"

    def _restricted(self, names: frozenset[tuple[str, str]], path: str) -> list[SaferWay | None]:
        """Torch's own restricted machine, with what it knows, or with proved names that it does not know."""
        from jupyter_modelguard.engines.weights_only import not_on_torchs_list, try_weights_only

        missing = not_on_torchs_list(names)
        pickled_otherwise = self._call is not None and (self._call.spreads or self._call.argument(2, "pickle_module") is not None)
        if missing is None or len(missing) > _MOST_ADDED or pickled_otherwise:
            return []
        proved = {(use.name.module, use.name.name) for use in self._assessment.report.globals if use.judgement in _PROVED}
        if not proved.issuperset(missing) or self._attempt(try_weights_only, self._source, missing) is not True:
            return []
        if not path and self._call is None:
            return []
        call = f"torch.load({path!r}, weights_only=True)"
        if self._call is not None:
            call = self._call.with_keyword("weights_only", "True")
        if not missing:
            return [
                self._way(
                    "Load it with weights_only=True", call, "torch's restricted loader takes this file as it is: tried here."
                )
            ]
        added = [f"{module}.{name}" for module, name in missing]
        label = f"Load it with weights_only=True and {'1 more name' if len(added) == 1 else f'{len(added)} more names'}"
        note = "torch's restricted loader takes this file with these names, proved harmless as it uses them: tried here."
        head = f"with torch.serialization.safe_globals([{', '.join(added)}]):"
        return [self._way(label, call, note, tuple(dict.fromkeys(module for module, _ in missing)), head)]

    def _sibling(self, plan: WeightsPlan, path: str) -> SaferWay | None:
        from jupyter_modelguard.engines.siblings import Sibling, find_sibling, sibling_paths

        beside = sibling_paths(path)
        found = self._attempt(find_sibling, plan, beside) if beside else None
        if not isinstance(found, Sibling):
            return None
        where = "commit" if _is_snapshot(path) else "folder"
        call = f"safetensors.torch.load_file({self._beside(found)}{self._device()})"
        same = f"{found.tensors:,} tensors by the same names, of the same types and shapes"
        under = f" as under {found.under!r} there" if found.under else ""
        note = f"{same}{under}, as a dictionary. A file of this kind holds nothing that runs."
        label = f"Use {os.path.basename(found.path)} from the same {where}"
        return self._way(label, call, note, ("safetensors.torch",))

    def _weights(self, plan: WeightsPlan, path: str) -> SaferWay:
        argument = self._file()
        said = repr(path) if argument is None or self._call is None else self._call.text(argument)
        tensors = "1 tensor" if len(plan.tensors) == 1 else f"{len(plan.tensors):,} tensors"
        left = f" {len(plan.left_out):,} more cannot be taken." if plan.left_out else ""
        note = f"{tensors} as a dictionary, by the names of state_dict(). No class or function of the file is used.{left}"
        call = f"jupyter_modelguard.take_weights({said})"
        return self._way("Take only the weights", call, note, ("jupyter_modelguard",))

    def _way(self, label: str, call: str, note: str, imports: tuple[str, ...] = (), within: str = "") -> SaferWay:
        if self._call is not None:
            after, cell = self._call.rewritten(call, imports=imports, within=within)
            if after:
                return SaferWay(label, after, note, self._call.before, cell)
        lines = [f"import {name}" for name in imports]
        lines += [within, f"    {call}"] if within else [call]
        return SaferWay(label, "\n".join(lines), note)

    def _beside(self, sibling: Sibling) -> str:
        """Write the path of the sibling as the call writes that of the file, where it does so in plain text."""
        text = getattr(self._file(), "value", None)
        if isinstance(text, str):
            return repr(os.path.join(os.path.dirname(text), os.path.basename(sibling.path)))
        return repr(sibling.path)

    def _file(self) -> ast.expr | None:
        """Find the argument that is sure to be the file's path: a text in place, or a name that stands for a path."""
        argument = self._call.argument(0, "f") if self._call is not None and not self._call.spreads else None
        if self._call is None or argument is None or isinstance(getattr(argument, "value", None), str):
            return argument
        return argument if isinstance(self._call.names.get(str(getattr(argument, "id", ""))), (str, os.PathLike)) else None

    def _device(self) -> str:
        argument = self._call.argument(1, "map_location") if self._call is not None and not self._call.spreads else None
        text = getattr(argument, "value", None)
        return f", device={text!r}" if isinstance(text, str) else ""


def _is_snapshot(path: str) -> bool:
    """Whether a file lies in a snapshot of the hub's cache: a folder for each commit."""
    folders = path.split(os.sep)
    return "snapshots" in folders[:-2] and folders[folders.index("snapshots") - 1].startswith("models--")
