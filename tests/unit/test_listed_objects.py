"""Objects that the reviewed lists know: the honest use of each beside the uses that its row must keep out."""

from __future__ import annotations

import pytest

from judging import piece_asks as asks  # isort: skip
from opcodes import AGAIN, MADE, PLAIN_DTYPE, STAMP, call, content, dtype, glob, many, mapping, number, text  # isort: skip

pytest.importorskip("numpy")
pytestmark = pytest.mark.usefixtures("kind")


@pytest.mark.parametrize(
    ("module", "name", "method"),
    [
        ("builtins", "str", "format"),
        ("random", "_os", "system"),
        ("builtins", "object", "__subclasses__"),
        ("zoneinfo", "ZoneInfo", "from_file"),
    ],
)
def test_attribute_of_anything_else_asks(module: str, name: str, method: str) -> None:
    assert asks(call(glob("builtins", "getattr"), glob(module, name), text(method)))


def test_attribute_of_an_object_asks() -> None:
    assert asks(call(glob("builtins", "getattr"), STAMP, text("lower")))
    assert asks(call(glob("builtins", "getattr"), glob("builtins", "str"), text("lower"), b"N"))


def test_getattr_itself_as_a_value_asks() -> None:
    assert asks(mapping(find=glob("builtins", "getattr")))


def test_found_method_is_a_value_and_no_more() -> None:
    lower = call(glob("builtins", "getattr"), glob("builtins", "str"), text("lower"))
    assert not asks(mapping(tokenizer=lower))
    assert asks(call(lower, text("A")))
    assert asks(lower + mapping(a=b"N") + b"b")


@pytest.mark.parametrize("key", ["../../../tmp/x", "/etc/passwd", "Nowhere/Such", "a.b/c", "Europe/../Berlin", "tzdata"])
def test_zone_that_is_none_asks(key: str) -> None:
    found = call(glob("builtins", "getattr"), glob("zoneinfo", "ZoneInfo"), text("_unpickle"))
    assert not asks(call(found, text("Europe/Berlin"), b"K\x01"))
    assert asks(call(found, text(key), b"K\x01"))


PARTIAL = glob("functools", "partial")


def partial(function: bytes, arguments: bytes = b")", names: bytes = b"}", attributes: bytes = b"N") -> bytes:
    return call(PARTIAL, function) + many(function, arguments, names, attributes) + b"b"


@pytest.mark.parametrize(
    "made",
    [
        partial(glob("logging", "FileHandler")),
        partial(glob("builtins", "eval")),
        call(PARTIAL, glob("numpy", "log"), glob("logging", "FileHandler")),
        partial(glob("numpy", "log"), many(glob("logging", "FileHandler"))),
        partial(glob("numpy", "log"), names=mapping(out=glob("logging", "FileHandler"))),
        partial(glob("numpy", "log"), attributes=mapping(__setstate__=b"N")),
        call(partial(glob("numpy", "log")), number(1)),
        partial(glob("numpy", "log")) + many(glob("numpy", "log"), b")", b"}", b"N") + b"b",
        call(PARTIAL, glob("numpy", "log")) + many(glob("logging", "FileHandler"), b")", b"}", b"N") + b"b",
        b"}" + mapping() + partial(glob("numpy", "log")) + b"ss",
        call(PARTIAL, partial(glob("numpy", "log"))),
    ],
    ids=["class", "eval", "two", "argument", "keyword", "attributes", "called", "state twice", "other state", "key", "partial"],
)
def test_partial_of_more_than_a_pure_function_asks(made: bytes) -> None:
    assert not asks(partial(glob("numpy", "log")))
    assert asks(made)


@pytest.mark.parametrize("key", ["append", "__setstate__", "_repr_html_", "_ipython_display_", "__class__", "items"])
def test_namespace_whose_attribute_hides_a_method_asks(key: str) -> None:
    space = call(glob("types", "SimpleNamespace"))
    held = call(glob("collections", "Counter"))
    assert not asks(space + mapping(a=held) + b"b")
    assert asks(space + mapping(**{key: held}) + b"b")
    assert asks(space + mapping(**{key: partial(glob("numpy", "log"))}) + b"b")


def test_namespace_that_more_is_done_to_asks() -> None:
    space = call(glob("types", "SimpleNamespace")) + mapping(a=b"N") + b"b"
    for act in (mapping(b=b"N") + b"b", b"Na", b"NNs", b"N" + mapping(a=b"N") + b"\x86b"):
        assert asks(space + act)
    assert asks(call(glob("types", "SimpleNamespace"), mapping(a=b"N")))


def test_expression_that_prints_or_is_endless_asks() -> None:
    compiled = glob("re", "_compile")
    assert not asks(call(compiled, text("a+"), number(34)))
    assert asks(call(compiled, text("a+"), number(128)))
    assert asks(call(compiled, text("a" * 100_001), number(0)))
    assert asks(call(compiled, STAMP, number(0)))


def test_type_of_anything_but_a_constant_asks() -> None:
    assert not asks(call(glob("builtins", "type"), b"N"))
    assert asks(call(glob("builtins", "type"), glob("builtins", "int")))
    assert asks(call(glob("builtins", "type"), text("X"), b")", b"}"))
    assert asks(call(call(glob("builtins", "type"), b"N")))


def test_error_that_holds_a_callable_or_has_attributes_asks() -> None:
    assert not asks(call(glob("builtins", "ValueError"), text("x")))
    assert asks(call(glob("builtins", "ValueError"), glob("logging", "FileHandler")))
    assert asks(call(glob("builtins", "ValueError"), text("x")) + mapping(__cause__=b"N") + b"b")
    assert asks(call(glob("builtins", "ValueError"), text("x")) + mapping(args=STAMP) + b"b")


@pytest.mark.parametrize("base", ["object", "dict", "list", "str"])
def test_bare_object_of_another_base_asks(base: str) -> None:
    assert asks(call(glob("copyreg", "_reconstructor"), glob("sklearn.base", "BaseEstimator"), glob("builtins", base), STAMP))


# What pandas hashes, and what scipy executes


def array_of(*members: bytes) -> bytes:
    made = call(glob("numpy._core.multiarray", "_reconstruct"), glob("numpy", "ndarray"), many(number(0)), content(b"b"))
    kind = (
        call(glob("numpy", "dtype"), text("O8"), b"\x89", b"\x88")
        + many(*PLAIN_DTYPE[:1], text("|"), *PLAIN_DTYPE[2:7], number(63))
        + b"b"
    )
    return made + many(number(1), many(number(len(members))), kind, b"\x89", b"](" + b"".join(members) + b"e") + b"b"


def index(data: bytes, cls: bytes = glob("pandas", "Index")) -> bytes:
    return call(glob("pandas.core.indexes.base", "_new_Index"), cls, mapping(data=data, name=b"N"))


def test_index_of_labels_is_silent() -> None:
    assert not asks(index(array_of(text("a"), number(1), b"N", many(text("a"), number(1)), STAMP)))


@pytest.mark.parametrize(
    "made",
    [
        index(array_of(glob("sklearn.base", "BaseEstimator") + b")\x81")),
        index(array_of(text("a"), many(glob("sklearn.base", "BaseEstimator") + b")\x81"))),
        index(array_of(b"]")),
        index(array_of(text("a")), glob("sklearn.base", "BaseEstimator")),
        index(array_of(text("a")), glob("builtins", "list")),
        index(STAMP),
        call(
            glob("pandas.core.indexes.base", "_new_Index"), glob("pandas", "Index"), mapping(data=array_of(text("a")), other=b"N")
        ),
        index(array_of(text("a"))) + mapping(append=b"N") + b"b",
    ],
    ids=["object", "object in a tuple", "list", "other class", "builtin class", "no array", "other name", "built"],
)
def test_index_that_could_run_python_code_asks(made: bytes) -> None:
    assert asks(made)


def test_array_of_objects_that_dill_made_asks() -> None:
    kind = (
        call(glob("numpy", "dtype"), text("O8"), b"\x89", b"\x88")
        + many(*PLAIN_DTYPE[:1], text("|"), *PLAIN_DTYPE[2:7], number(63))
        + b"b"
    )
    function = glob("numpy._core.multiarray", "_reconstruct")

    def array(member: bytes) -> bytes:
        state = many(number(1), many(number(1)), kind, b"\x89", b"](" + member + b"e")
        made = many(glob("numpy", "ndarray"), many(number(0)), content(b"b"))
        return call(glob("dill._dill", "_create_array"), function, made, state, b"N")

    assert not asks(index(array(text("a"))))
    assert asks(index(array(glob("sklearn.base", "BaseEstimator") + b")\x81")))


def test_array_that_changes_after_an_index_took_it_asks() -> None:
    made = call(glob("numpy._core.multiarray", "_reconstruct"), glob("numpy", "ndarray"), many(number(0)), content(b"b")) + MADE
    kind = dtype("f8", *PLAIN_DTYPE)
    assert asks(index(made) + b"0" + AGAIN + many(number(1), many(number(1)), kind, b"\x89", content(bytes(8))) + b"b")


def frame(**attributes: bytes) -> bytes:
    return glob("pandas", "DataFrame") + b")\x81" + mapping(_typ=text("dataframe"), **attributes) + b"b"


@pytest.mark.parametrize(
    "attributes",
    [{"index": b"N"}, {"_mgr": b"N"}, {"_repr_html_": b"N"}, {"_flags": mapping(obj=b"N")}, {"_metadata": b"](" + STAMP + b"e"}],
    ids=str,
)
def test_frame_with_other_attributes_asks(attributes: dict[str, bytes]) -> None:
    assert not asks(frame(attrs=b"}"))
    assert asks(frame(**attributes))


SCIPY = """
def _parse_args(self, a,  loc=0, scale=1):
    return (a, ), loc, scale

def _parse_args_rvs(self, a,  loc=0, scale=1, size=None):
    return self._argcheck_rvs(a,  loc, scale, size=size)

def _parse_args_stats(self, a,  loc=0, scale=1, moments='mv'):
    return (a, ), loc, scale, moments
"""


def distribution(template: str, **attributes: bytes) -> bytes:
    return (
        glob("scipy.stats._continuous_distns", "gamma_gen")
        + b")\x81"
        + mapping(_parse_arg_template=text(template), **attributes)
        + b"b"
    )


@pytest.mark.parametrize(
    "template",
    [
        "import os",
        SCIPY + "import os",
        SCIPY.replace("loc=0", "loc=print()"),
        SCIPY.replace("self, a, ", "self, a=print(), "),
        SCIPY.replace("(a, )", "(print(), )"),
        SCIPY.replace("'mv'", "print()"),
        "",
    ],
)
def test_distribution_with_a_text_of_its_own_asks(template: str) -> None:
    assert not asks(distribution(SCIPY))
    assert asks(distribution(template))


def test_distribution_whose_methods_are_hidden_asks() -> None:
    assert asks(distribution(SCIPY, _attach_argparser_methods=partial(glob("numpy", "log"))))
    assert asks(distribution(SCIPY, _mom1_sc=b"N"))
