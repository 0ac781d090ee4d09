"""The rules of a policy file: what each is about, and what it says of a load.

    locked = true                         # only where an administrator alone may write the file: nobody below may allow

    [[rule]]
    action = "forbid"                     # or "ask", or "allow"
    level = "dangerous"                   # what the load can do
    reason = "Nothing starts a program here."

    [[rule]]
    action = "allow"
    digest = "9f86d081884c7d65…"          # sha256 of the file
    format = ["pickle", "joblib"]
    reason = "Reviewed by ada in PR 12."
    expires = 2027-06-30                  # the last day on which it counts

What a rule names has to hold all at once, and one of several values has to. `source` is a path or a repository (`hf:org/name@commit`);
in it `*` stands for anything within one step of a path, `**` for any number of steps. A rule that forbids or asks is about its levels
and all graver ones; one that allows is about loads that run code alone, and is bound: to a digest, to whoever signed the file
(`signer`, a public key; see `signatures`), or to paths that only an administrator may write to.

A file is read whole or not at all. What is misspelt in it could have been what forbids something, so that it says nothing else than: ask.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
from dataclasses import dataclass
from typing import Any, Final

from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy.signatures import check_key, key_name
from jupyter_modelguard.types import RiskLevel

__all__ = ["FORMATS", "Action", "Rule", "RuleSet", "header_lines", "read_rules", "toml_of"]

FORMATS: Final = frozenset(
    {
        "joblib",
        "jsonpickle",
        "keras-config",
        "native",
        "npy",
        "npz",
        "pickle",
        "python-code",
        "torch",
        "torch-export",
        "torch-legacy",
        "torch-package",
        "torch-zip",
        "torchscript",
        "unknown",
        "yaml",
    }
)
"""What the format of a load can be; any other name in a rule is a mistake."""

_SOURCE = re.compile(r"/|hf:|<|\*\*|[A-Za-z]:[\\/]|[a-z0-9+]+://")
_MOST_STEPS = 4  # more take a regular expression too long
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PLACE = re.compile(r"\(at line (\d+), column \d+\)")
_LEVELS = {level.value: level for level in RiskLevel if level is not RiskLevel.FORBIDDEN}
_FIELDS = ("action", "name", "format", "level", "source", "digest", "signer", "reason", "expires")
_LONGEST = 500  # characters of a name or reason


class Action(enum.Enum):
    """What becomes of a load; the first that any rule says is what counts."""

    FORBID = "forbid"
    ASK = "ask"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, and where it stands."""

    action: Action
    file: str
    line: int
    name: str = ""
    formats: tuple[str, ...] = ()
    levels: tuple[RiskLevel, ...] = ()
    sources: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    signers: tuple[str, ...] = ()
    reason: str = ""
    expires: dt.date | None = None

    @property
    def place(self) -> str:
        """Where it is written: "/etc/modelguard/policy.toml:12"."""
        return f"{self.file}:{self.line}"

    @property
    def title(self) -> str:
        """Its name, or else what it is about: "dangerous pickle"."""
        digests = [f"sha256 {digest[:12]}…" for digest in self.digests[:1]]
        signers = [f"signed by {key_name(signer)}" for signer in self.signers[:1]]
        parts = [*(level.value for level in self.levels), *self.formats, *self.sources, *digests, *signers]
        return self.name or " ".join(parts) or "every load"

    def counts_on(self, day: dt.date) -> bool:
        """Whether it has not expired."""
        return self.expires is None or day <= self.expires


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What one policy file says."""

    rules: tuple[Rule, ...] = ()
    locked: bool = False


def toml_of(text: bytes, file: str) -> dict[str, Any]:
    """Read TOML.

    Raises
    ------
    ConfigurationError
        It is none; the message names the line.
    """
    import tomllib

    try:
        return tomllib.loads(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{file}:{line}: this is no UTF-8. Save the file as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        said, place = str(error), _PLACE.search(str(error))
        line = int(place[1]) if place else text.count(b"\n") + 1
        raise ConfigurationError(f"{file}:{line}: {_PLACE.sub('', said).strip()}. Put the TOML right.") from None
    except RecursionError:
        raise ConfigurationError(f"{file}:1: this is nested too deeply. Put the TOML right.") from None


def header_lines(text: bytes, file: str, name: str, number: int) -> list[int]:
    """Find the lines on which the tables of an array begin, so that messages can point there.

    Raises
    ------
    ConfigurationError
        They are not written as `[[name]]`, each on a line of its own.
    """
    dotted = r"[ \t]*\.[ \t]*".join(map(re.escape, name.split(".")))
    header = re.compile(rf"[ \t]*\[\[[ \t]*{dotted}[ \t]*\]\]")
    lines = [count for count, line in enumerate(text.decode("utf-8").split("\n"), 1) if header.match(line)]
    if len(lines) != number:
        raise ConfigurationError(f"{file}:{lines[0] if lines else 1}: write each under [[{name}]] on a line of its own.")
    return lines


def read_rules(text: bytes, file: str, table: str = "") -> RuleSet:
    """Read a policy file.

    Parameters
    ----------
    text
        Its bytes.
    file
        Its path, for messages.
    table
        Dotted name of the table that holds the policy; the whole file by default. Without that table there are no rules.

    Raises
    ------
    ConfigurationError
        Something in it is not as it must be; the message says where and what to do.
    """
    plain: Any = toml_of(text, file)
    for part in table.split(".") if table else ():
        plain = plain.get(part) if isinstance(plain, dict) else None
    if plain is None:
        return RuleSet()
    rows = plain.get("rule", []) if isinstance(plain, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigurationError(f"{file}:1: write each rule under [[{f'{table}.' if table else ''}rule]].")
    unknown = sorted(plain.keys() - {"rule", "locked"})
    if unknown:
        raise ConfigurationError(f"{file}:1: {unknown[0]!r} is not known here. A policy has rules, and may be locked.")
    locked = plain.get("locked", False)
    if type(locked) is not bool:
        raise ConfigurationError(f"{file}:1: locked is true or false.")
    lines = header_lines(text, file, f"{table}.rule" if table else "rule", len(rows))
    return RuleSet(tuple(_rule(row, file, line) for row, line in zip(rows, lines, strict=True)), locked)


def _rule(row: dict[str, Any], file: str, line: int) -> Rule:
    def wrong(what: str) -> ConfigurationError:
        return ConfigurationError(f"{file}:{line}: {what}")

    unknown = sorted(row.keys() - set(_FIELDS))
    if unknown:
        raise wrong(f"a rule has no {unknown[0]!r}. It may have {', '.join(_FIELDS)}.")
    try:
        action = Action(row.get("action"))
    except ValueError:
        raise wrong('say what to do: action = "forbid", "ask" or "allow".') from None
    named = {name: _texts(row, name, wrong) for name in ("format", "level", "source", "digest", "signer")}
    _check_values(named, wrong)
    _check_signers(named["signer"], wrong)
    expires = row.get("expires")
    if expires is not None and type(expires) is not dt.date:
        raise wrong("expires is a day, without quotes: expires = 2027-06-30")
    rule = Rule(
        action,
        file,
        line,
        _text(row, "name", wrong),
        named["format"],
        tuple(_LEVELS[value] for value in named["level"]),
        named["source"],
        named["digest"],
        named["signer"],
        _text(row, "reason", wrong),
        expires,
    )
    if action is Action.ALLOW:
        _check_allowing(rule, wrong)
    elif rule.signers:
        raise wrong("a signer is for rules that allow: a signature that somebody does not want is soon taken away.")
    return rule


def _check_values(named: dict[str, tuple[str, ...]], wrong: Any) -> None:
    """Refuse what would match nothing: a rule that was misspelt would be no rule."""
    for name, known in (("format", FORMATS), ("level", frozenset(_LEVELS))):
        for value in named[name]:
            if value not in known:
                raise wrong(f"there is no {name} {value!r}. Known are {', '.join(sorted(known))}.")
    for value in named["digest"]:
        if not _DIGEST.fullmatch(value):
            raise wrong(f"{value!r} is no sha256 of 64 digits from 0 to f, as sha256sum prints it.")
    for value in named["source"]:
        if not _SOURCE.match(value):
            raise wrong(f"no load comes from {value!r}. A source begins with / or hf:, or with **/ for any folder.")
        if value.count("**") > _MOST_STEPS or len(value) > _LONGEST:
            raise wrong(f"a source has at most {_LONGEST} characters and {_MOST_STEPS} times **.")


def _check_signers(keys: tuple[str, ...], wrong: Any) -> None:
    """Refuse what is no public key."""
    for key in keys:
        try:
            check_key(key)
        except ConfigurationError as error:
            raise wrong(str(error)) from None


def _check_allowing(rule: Rule, wrong: Any) -> None:
    """Refuse what would allow without a reason, or what is bound to nothing."""
    if not rule.reason:
        raise wrong('say why: a rule that allows needs a reason = "…".')
    if not set(rule.levels) <= {RiskLevel.RUNS_CODE}:
        raise wrong('a rule can only allow level = "runs_code"; a person decides about anything graver.')
    if not rule.digests and not rule.signers and not (rule.sources and all(source.startswith("/") for source in rule.sources)):
        raise wrong("bind it: to a digest, a signer, or as source to absolute paths that only an administrator may write to.")


def _texts(row: dict[str, Any], name: str, wrong: Any) -> tuple[str, ...]:
    value = row.get(name, ())
    values = (value,) if isinstance(value, str) else value
    if (
        not isinstance(values, (list, tuple))
        or not all(type(one) is str and one for one in values)
        or (name in row and not values)
    ):
        raise wrong(f"{name} is a text or a list of texts.")
    return tuple(values)


def _text(row: dict[str, Any], name: str, wrong: Any) -> str:
    value = row.get(name, "")
    if type(value) is not str or len(value) > _LONGEST:
        raise wrong(f"{name} is a text of at most {_LONGEST} characters.")
    return value
