"""Which Python files a call on a hub's repositories will execute: those of the repository itself, and those that it takes from others.

A configuration may name a class of another repository, `other/repo--modeling.Class`. Its code comes from that repository's default branch
unless the call says `code_revision=`: `revision=` holds for the repository of the weights alone. Fetching a file runs nothing of it.
"""

from __future__ import annotations

import dataclasses
import os
import re
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.artifacts.code_tree import collect_code, folder_reader, mapped_modules, read_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jupyter_modelguard.types import CodeFile

__all__ = ["Place", "code_of", "hub_origin"]

_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_PASSED: Final = ("cache_dir", "force_download", "proxies", "token", "local_files_only", "repo_type")
_GENERATE: Final = "custom_generate/generate.py"  # a repository's own way to generate, run by every load that may run its code


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A repository or folder that a call names, and how it is fetched.

    Parameters
    ----------
    repository
        "org/name", or a folder.
    options
        Those of the call: `revision`, `code_revision`, `token`, `cache_dir`…
    """

    repository: str
    options: Mapping[str, Any] = dataclasses.field(repr=False)

    @property
    def is_folder(self) -> bool:
        """Whether it lies on this machine."""
        return os.path.isdir(self.repository)

    @property
    def origin(self) -> str:
        """The folder, or the name of the repository with the commit if the call pins its code to one."""
        if self.is_folder:
            return os.path.abspath(self.repository)
        return hub_origin(self.repository, self._code_revision)

    @property
    def version(self) -> tuple[str, str]:
        """What tells its code from that of other repositories, and from other versions of its own."""
        return self.repository, "" if self.is_folder else str(self._code_revision or "")

    @property
    def _code_revision(self) -> Any:
        return self.options.get("code_revision") or self.options.get("revision")

    def elsewhere(self, repository: str) -> Place:
        """Give another repository as this call fetches code from it."""
        return Place(repository, {**self.options, "revision": self.options.get("code_revision"), "code_revision": None})

    def mapped(self) -> dict[str, tuple[str, ...]]:
        """Return the module files that its configurations name, see `mapped_modules`."""
        return mapped_modules(self._reader(self.options.get("revision")))

    def code(self, entries: Iterable[str]) -> tuple[CodeFile, ...]:
        """Fetch module files and all that they import from beside them."""
        return collect_code(entries, self._reader(self._code_revision))

    def _reader(self, revision: Any) -> Callable[[str], bytes | None]:
        if self.is_folder:
            return folder_reader(self.repository)
        from transformers.utils import cached_file

        passed = {name: self.options[name] for name in _PASSED if name in self.options}

        def read(name: str) -> bytes | None:
            try:
                path = cached_file(self.repository, name, revision=revision, **passed)
            except (OSError, ValueError):
                return None
            return read_file(path)

        return read


def code_of(places: Iterable[Place], module: Place, module_file: str) -> tuple[CodeFile, ...]:
    """Collect all code files that a call will execute.

    Parameters
    ----------
    places
        What the call names, the repository of its own first.
    module, module_file
        The file that the library is about to import, and where it is taken from.

    Returns
    -------
    tuple of CodeFile
        Files of other repositories than the first, and those of the first that are different in another version of it, stand below
        their repository's name, with their `origin`.
    """
    named = {place.version: place for place in places} or {module.version: module}
    main = next(iter(named.values()))
    wanted: dict[tuple[str, str], tuple[Place, dict[str, None]]] = {main.version: (main, {})}

    def want(place: Place, files: Iterable[str]) -> None:
        wanted.setdefault(place.version, (place, {}))[1].update(dict.fromkeys(files))

    for place in named.values():
        for repository, files in place.mapped().items():
            own = not repository or repository == place.repository
            want(place if own else place.elsewhere(repository), files)
        want(place, [_GENERATE])
    want(module, [module_file])
    found = list(main.code(wanted.pop(main.version)[1]))
    same = {(main.repository, file.path, file.digest) for file in found}
    for place, entries in wanted.values():
        code = [file for file in place.code(entries) if (place.repository, file.path, file.digest) not in same]
        found += (_of_another(file, place) for file in code)
    return tuple(found)


def _of_another(file: CodeFile, place: Place) -> CodeFile:
    return dataclasses.replace(file, path=f"{place.repository}/{file.path}", origin=place.origin)


def hub_origin(repository: str, revision: object) -> str:
    """Name a repository of a hub, with the commit if that was asked for by its full id: what a branch names can change."""
    return f"hf:{repository}@{revision}" if isinstance(revision, str) and _COMMIT.fullmatch(revision) else f"hf:{repository}"
