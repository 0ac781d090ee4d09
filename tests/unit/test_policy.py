"""The reviewed lists are sound as data, and the level follows from the report."""

from __future__ import annotations

import pytest

from jupyter_modelguard.policy.catalogue import capability_of, closed, inert, is_dangerous, reviewed_methods
from jupyter_modelguard.policy.checks import CHECKS
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.policy.names import importable, normalise
from jupyter_modelguard.policy.patterns import matches
from jupyter_modelguard.types import Coverage, Finding, GlobalUse, Judgement, QualifiedName, RiskLevel, ScanReport, Severity


class NoWorld:
    """Knows no object and no global."""

    def makes(self, made: object) -> str:
        return ""

    def is_value(self, stub: object) -> bool:
        return False

    def is_callable(self, made: object) -> bool:
        return True

    def is_label(self, made: object) -> bool:
        return False

    def use(self, made: object) -> bool:
        return True

    def members(self, made: object) -> list[object] | None:
        return None


def test_nothing_listed_is_dangerous() -> None:
    assert [name for name in (*closed(), *inert()) if is_dangerous(name.module, name.name)] == []


def test_indirection_is_listed_with_a_pattern_or_not_called_at_all() -> None:
    listed = {str(name): row for name, row in inert().items() if capability_of(name) is not None}
    assert {name for name, row in listed.items() if row.arguments is None} == {"builtins.getattr"}
    assert all(row.arguments != () and not row.value for row in listed.values())


def test_closed_globals_are_immutable_types_of_the_interpreter() -> None:
    import importlib

    for name in closed():
        found = getattr(importlib.import_module(name.module), name.name)
        assert isinstance(found, type)
        with pytest.raises(TypeError):
            found.changed = 1


def test_rows_are_exact_names_with_reasons() -> None:
    for name, row in inert().items():
        assert row.reason
        assert "." not in name.name or QualifiedName(name.module, name.name.rpartition(".")[0]) in inert()
        assert "." not in name.name or QualifiedName(name.module, name.name.rpartition(".")[0]) in inert()
        assert not row.check or row.check in CHECKS


def test_patterns_of_rows_are_known() -> None:
    for row in inert().values():
        state = row.state if isinstance(row.state, tuple) else (row.state,) if row.state else ()
        for pattern in (*(row.arguments or ()), *state):
            matches(pattern.rstrip("?*"), object(), NoWorld())


def test_reviewed_methods_name_a_class_and_a_method() -> None:
    for name in reviewed_methods():
        module, _, method = name.partition(":")
        assert module
        # a method of a class, or a function that a decorator puts in its place
        assert method.count(".") == 1 or ".<locals>." in method


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"), ("posix", "system"), ("subprocess", "Popen"),
        ("builtins", "eval"), ("__builtin__", "eval"), ("random", "_os.system"),
        ("cPickle", "loads"), ("pickle", "loads"), ("commands", "getoutput"),
        ("importlib", "import_module"), ("ctypes", "CDLL"), ("socket", "socket"),
    ],
)  # fmt: skip
def test_danger_is_known(module: str, name: str) -> None:
    assert is_dangerous(module, name)


@pytest.mark.parametrize(
    ("module", "name"),
    [("builtins", "getattr"), ("functools", "partial"), ("operator", "methodcaller"), ("torch.storage", "_load_from_bytes")],
)
def test_indirection_is_asked_about_and_not_called_dangerous(module: str, name: str) -> None:
    assert not is_dangerous(module, name)
    capability = capability_of(QualifiedName(module, name))
    assert capability is not None
    assert capability.judgement is Judgement.UNKNOWN


@pytest.mark.parametrize(
    ("module", "name"), [("collections", "OrderedDict"), ("numpy", "dtype"), ("mylib", "system"), ("os.path", "join")]
)
def test_harmless_names_are_not_dangerous(module: str, name: str) -> None:
    assert not is_dangerous(module, name)


def test_python2_names_are_normalised() -> None:
    assert normalise("__builtin__", "set") == QualifiedName("builtins", "set")
    assert normalise("copy_reg", "_reconstructor") == QualifiedName("copyreg", "_reconstructor")
    assert normalise("itertools", "izip") == QualifiedName("builtins", "zip")
    assert normalise("numpy", "dtype") == QualifiedName("numpy", "dtype")


def test_importable_looks_without_importing() -> None:
    assert importable("os")
    assert importable("json.tool")
    assert not importable("__builtin__")


def report(*uses: Judgement, missed: tuple[str, ...] = (), findings: tuple[Finding, ...] = ()) -> ScanReport:
    made = tuple(GlobalUse(QualifiedName("m", str(place)), 1, use) for place, use in enumerate(uses))
    return ScanReport("t", "pickle", globals=made, coverage=Coverage(1, 0 if missed else 1, missed), findings=findings)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (report(), RiskLevel.DATA_ONLY),
        (report(Judgement.CLOSED, Judgement.INERT), RiskLevel.DATA_ONLY),
        (report(Judgement.INSPECT), RiskLevel.RUNS_CODE),
        (report(Judgement.INERT, Judgement.UNKNOWN), RiskLevel.RUNS_CODE),
        (report(Judgement.UNKNOWN, Judgement.DANGEROUS), RiskLevel.DANGEROUS),
        (report(Judgement.INERT, missed=("a part",)), RiskLevel.UNINSPECTED),
        (report(Judgement.UNKNOWN, missed=("a part",)), RiskLevel.UNINSPECTED),
        (report(Judgement.DANGEROUS, missed=("a part",)), RiskLevel.DANGEROUS),
        (report(findings=(Finding("x", Severity.INFO, "t"),)), RiskLevel.NOTE),
        (report(findings=(Finding("x", Severity.MEDIUM, "t"),)), RiskLevel.RUNS_CODE),
        (report(findings=(Finding("pickle-broken-stream", Severity.MEDIUM, "t"),)), RiskLevel.UNINSPECTED),
        (ScanReport("t", "pickle", coverage=Coverage(2, 1)), RiskLevel.UNINSPECTED),
    ],
)
def test_level_follows_from_the_report(given: ScanReport, expected: RiskLevel) -> None:
    assert evaluate(given).level is expected
