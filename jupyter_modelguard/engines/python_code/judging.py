"""What one event of a program can do: the call with its arguments held against the list of capabilities."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jupyter_modelguard.engines.python_code.values import Bound, Const, Mapping, Names, Part, Ref, Seq
from jupyter_modelguard.policy.code_catalogue import capabilities_in_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from jupyter_modelguard.engines.python_code.arguments import Arguments
    from jupyter_modelguard.engines.python_code.values import Value, Values

__all__ = ["SECRET", "Use", "changed", "judged", "named", "passed", "picked", "read_item"]

SECRET: Final = re.compile(
    r"TOKEN(?!IZ)|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|^AWS_PROFILE$", re.IGNORECASE
)
_PLACES: Final = re.compile(
    r"\.ssh\b|\.aws\b|\.netrc|\.git-credentials|\.gnupg|\.kube\b|\.docker/config|\.pypirc|\.npmrc|huggingface[/\\](?:stored_)?token|"
    r"/etc/(?:passwd|shadow)|\.config/gcloud|\.azure\b|\.bash_history|jupyter_.*config|id_(?:rsa|ed25519)|/proc/(?:self|\d+)/environ|cookies\.sqlite"
)
_SAFE_LOADERS: Final = ("SafeLoader", "BaseLoader")
_RISKY_VARIABLES: Final = frozenset(
    {
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "PYTHONHOME",
        "PATH",
        "HF_ENDPOINT",
        "HTTP_PROXY",
        "HTTPS_PROXY",
    }
    | {
        "http_proxy",
        "https_proxy",
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD",
        "HF_HUB_TRUST_REMOTE_CODE",
    }
)
_IMPORTING: Final = ("sys.path", "sys.modules", "sys.meta_path", "sys.path_hooks", "sys.path_importer_cache")
_SENSITIVE: Final = frozenset(
    {"os", "posix", "nt", "subprocess", "builtins", "sys", "importlib", "ctypes", "socket", "shutil", "runpy", "pty", "pickle"}
)
_MOST_TEXTS: Final = 40
_MOST_PASSED: Final = 200
_LONGEST_TEXT: Final = 300


@dataclass(frozen=True, slots=True)
class Use:
    """Something that can be done at a place of the program."""

    rule: str
    name: str
    sentence: str
    hidden: bool = False  # whether the name is put together from pieces


def named(ref: Ref) -> str:
    """Give the name of something in the spelling of the list."""
    name = ref.name
    while name.endswith((".__call__", ".__func__", ".__wrapped__", ".__func__", ".__self__")):
        name = name.rpartition(".")[0]
    if name.startswith("pathlib.") and "()" in name and not name.endswith("()"):
        return f"pathlib.Path().{name.rpartition('.')[2]}"
    return name


def judged(ref: Ref, arguments: Arguments) -> Iterator[Use]:
    """Say what a call can do."""
    name = named(ref)
    if name.endswith((".load_module", ".exec_module")) and "()" in name:
        yield Use("code-import", name, "runs a file as a module")
    for capability in capabilities_in_code(name):
        if capability.test and not _TESTS[capability.test](name, arguments):
            continue
        if capability.rule == "code-process" and _installs(arguments):
            yield Use("code-install", name, "installs packages", ref.pieced)
        else:
            yield Use(capability.rule, name, capability.sentence, ref.pieced)
    if name in {"builtins.getattr", "builtins.object.__getattribute__"} and not _known(arguments.at(1)):
        yield from picked(arguments.at(0))
    if any(isinstance(one, Const) and one.value is True for one in arguments.named("trust_remote_code")):
        yield Use("code-other-repository", name, "runs code of another repository, without asking")
    if any(isinstance(one, Ref) and one.name in {"os.environ", "os.environb"} for values in arguments.handed() for one in values):
        yield Use("code-secrets", "os.environ", "reads all of the environment, passwords and tokens included")


def passed(values: Values) -> Iterator[Use]:
    """Say what can be done by something that is handed to others to be called."""
    waiting = list(values)
    for one in waiting:
        if isinstance(one, Ref):
            name = named(one)
            yield from (Use(row.rule, name, row.sentence, one.pieced) for row in capabilities_in_code(name) if not row.test)
        elif len(waiting) < _MOST_PASSED:
            waiting += _held(one)


def _held(value: Value) -> list[Value]:
    if isinstance(value, Part) and value.kind == "partial":
        return list(value.items[0])
    if isinstance(value, Seq):
        return [one for item in value.items for one in item]
    return [one for _, item in value.items for one in item] if isinstance(value, Mapping) else []


def picked(of: Values) -> Iterator[Use]:
    """Say that something of a module is picked by a name that is worked out."""
    for one in of:
        inner = one.of if isinstance(one, Names) else one
        if isinstance(inner, Ref) and (inner.name in _SENSITIVE or inner.name == "__import__()"):
            what = "a module" if "(" in inner.name else inner.name
            yield Use("code-hidden", what, "picks what it calls there by a name that is worked out while it runs")


def changed(target: ast.expr, of: Values, keys: Values, own: str) -> Iterator[Use]:
    """Say what an assignment to an attribute or item of another library's object changes.

    Parameters
    ----------
    target, of, keys
        What is assigned to, what that belongs to, and under which keys.
    own
        The name of the module that does it: it may put something else in its own place.
    """
    for one in of:
        inner = one.of if isinstance(one, Names) else one
        if not isinstance(inner, Ref):
            continue
        name = f"{inner.name}.{target.attr}" if isinstance(target, ast.Attribute) else inner.name
        if name == "sys.modules" and keys and all(isinstance(key, Const) and key.value == own for key in keys):
            continue
        if name in _IMPORTING or name.startswith(tuple(f"{place}[" for place in _IMPORTING)):
            yield Use("code-search-path", name, "changes where modules are imported from")
        elif name == "os.environ" and any(isinstance(key, Const) and key.value in _RISKY_VARIABLES for key in keys):
            yield Use("code-environment", name, "changes a variable that says where programs, modules or downloads come from")
        elif inner.name == "builtins" or (isinstance(one, Names) and inner.name in _SENSITIVE):
            yield Use("code-replaces", name, "replaces what everything else calls")


def _known(values: Values) -> bool:
    return any(isinstance(one, Const) for one in values)


def _texts(values: Iterable[Value]) -> str:
    """Give the beginnings of the texts in arguments."""
    found: list[str] = []
    waiting = list(values)
    for one in waiting[:]:
        waiting += [value for item in one.items[:_MOST_TEXTS] for value in item] if isinstance(one, Seq) else []
    for one in waiting[:_MOST_PASSED]:
        if isinstance(one, Const) and isinstance(one.value, (str, bytes)):
            found.append(str(one.value[:_LONGEST_TEXT]))
        elif isinstance(one, Ref):
            found.append(one.name)
    return " ".join(found)


def _installs(arguments: Arguments) -> bool:
    text = _texts(value for values in arguments.all() for value in values)
    return re.search(r"\b(?:pip3?|conda|mamba|uv|mim|apt|apt-get|npm|easy_install)\b.*\binstall\b", text, re.DOTALL) is not None


def _writes(name: str, arguments: Arguments) -> bool:
    place = 0 if "Path()" in name else 1
    modes = arguments.at(place, "flags" if name == "os.open" else "mode")
    if name == "os.open":
        return not any(isinstance(one, Ref) and one.name == "os.O_RDONLY" for one in modes)
    texts = [one.value for one in modes if isinstance(one, Const) and isinstance(one.value, str)]
    if not texts and arguments.is_given(place, "mode"):
        return True  # what is not known is not taken for reading
    return any(set(text) & set("wax+") for text in texts)


def _unpickles(name: str, arguments: Arguments) -> bool:
    if name.startswith("torch."):
        return not any(isinstance(one, Const) and one.value is True for one in arguments.named("weights_only"))
    if name.startswith("numpy."):
        allowed = arguments.at(2, "allow_pickle")
        return any(not isinstance(one, Const) or bool(one.value) for one in allowed) or (
            not allowed and arguments.is_given(2, "allow_pickle")
        )
    loaders = arguments.at(1, "Loader")
    return not any(isinstance(one, Ref) and one.name.endswith(_SAFE_LOADERS) for one in loaders)


def _secret_place(name: str, arguments: Arguments) -> bool:
    del name
    text = _texts(value for values in arguments.all() for value in values)
    return _PLACES.search(text) is not None


def _secret_name(name: str, arguments: Arguments) -> bool:
    del name
    return any(isinstance(one, Const) and _is_secret(one.value) for one in arguments.at(0, "key"))


def _is_secret(value: object) -> bool:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return isinstance(text, str) and SECRET.search(text) is not None


def _unknown_name(name: str, arguments: Arguments) -> bool:
    del name
    return not _known(arguments.at(0, "name"))


_TESTS: Final[dict[str, Callable[[str, Arguments], bool]]] = {
    "writes": _writes,
    "unpickles": _unpickles,
    "secret-place": _secret_place,
    "secret-name": _secret_name,
    "unknown-name": _unknown_name,
}


def read_item(of: Values, keys: Values) -> Iterator[Use]:
    """Say what reading an item tells: a password of the environment, or a function by a name that is worked out."""
    for one in of:
        if (
            isinstance(one, Ref)
            and one.name in {"os.environ", "os.environb"}
            and any(isinstance(key, Const) and _is_secret(key.value) for key in keys)
        ):
            yield Use("code-secrets", one.name, "reads passwords or tokens from the environment")
        if isinstance(one, (Names, Bound)) and not _known(keys):
            yield from picked((one,))
