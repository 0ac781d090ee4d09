"""Models of boosted trees: what the libraries write is data, and what is cut off, lies or stands behind a model is never clean."""

import base64
import pickle
import struct
import zlib

import pytest

from jupyter_modelguard.engines.byte_ranges import complete
from jupyter_modelguard.engines.content import Content
from jupyter_modelguard.engines.scanner import Scanner
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.types import RiskLevel

OLD = {  # what xgboost 2.1.4 wrote with `save_raw("deprecated")`, compressed
    "gbtree": (
        "eNpLysxLi/kuYM/CAAGMUJoJymZEEqM14IfSSZl5iUWVVjn56ZnFJZnJbFDh9KSSotRUJjo6iBwAchszEp9lELj3PxAwQiMVBM6uYLEHUg3/oQ"
        "AkNk1Ccj9MLUyM2faT3Z6cIKfeE9mOMzmOWMHMq4o44wBTDwIBc1gdQWqHsv/v3ny8D93/+Qwn7JSjPjue04xxDBZhtoGZtzTllANMPQh8e/fW"
        "AaQW2U6YXaxQOiM1JycfFhAVnFBGflJWanJJZlmqC1SgWikvMTdVyUoJLRMo6SgVpabH5+QXF8cXJBYl5ipZVSsVJyfmpMYX5BfHl6dmpmeUAL"
        "UZKtXWAgBs13hw"
    ),
    "gblinear": (
        "eNpLysxLExQUtGdhgABGKM0EZTMiidEaCEDpotR0q+LC0sSi1JTUoqL8Ig6oeHpSTmZeamIRwyABrFB6SthCuy9HefYdyw/a2/Tfcq9NStYeJj"
        "Q1Gak5OfmwgKzghDLyk7JSk0syy1JdoQLVSnmJualKVkroYaCkAxKKz8kvLo4vSCxKzFWyqlYqTk7MSY0vyC+OL0/NTM8oAeozVKqtBQAstjZz"
    ),
    "dart": (
        "eNpLysxLExQUtGdhgABGKM0EZTMiidEaCEDpotR0q+LC0sSi1JTUoqL8IpjbUhKLSpjo6B5yAMhtzEh8lkHg3v9AwAiNUxA4u4LFHkg1/IcCkN"
        "inher7YGphYtyBjHYs95IdGRgKnLq82wwRJl5whKmHAA4nkNqh7H+tzHd70f0/2Wm7rdHepw4g/xeeVdiF7H+Yepj/QWqR7WSCsxrsQRjGZ4XS"
        "Gak5OfmwgKnghDLyk7JSk0syy1JdoQLVSnmJualKVkroeUJJByQUn5NfXBxfkFiUmKtkVa1UnJyYkxpfkF8cX56amZ5RAtRnqFRbCwCEtXFz"
    ),
}


def report(data):
    content = Content.of_bytes(data)
    return complete(Scanner().scan(content), content.size)


def level(data):
    return evaluate(report(data)).level


def old(booster):
    return zlib.decompress(base64.b64decode(OLD[booster]))


def key(name):
    return b"L" + struct.pack(">q", len(name)) + name


def ubjson(value=b"i\1", name=b"learner"):
    return b"{" + key(name) + value + b"}"


def of_numbers(kind, count, body):
    return b"[$" + kind + b"#L" + struct.pack(">q", count) + body


@pytest.fixture(scope="module")
def numbers():
    numpy = pytest.importorskip("numpy")
    return numpy.random.RandomState(0).rand(60, 4)


@pytest.fixture(scope="module")
def xgboost_models(numbers):
    xgboost = pytest.importorskip("xgboost")
    classes = (numbers[:, 0] > 0.5).astype(int)
    table = xgboost.DMatrix(numbers, classes, feature_names=["é", "b", "c", "d"])
    found = []
    for booster in ("gbtree", "dart", "gblinear"):
        depth = {} if booster == "gblinear" else {"max_depth": 2}
        model = xgboost.train({"booster": booster, "objective": "binary:logistic", "nthread": 1, **depth}, table, 2)
        model.set_attr(note="a model")
        found += [bytes(model.save_raw("ubj")), bytes(model.save_raw("json")), bytes(model.__getstate__()["handle"])]
    return found


@pytest.fixture(scope="module")
def catboost_models(numbers, tmp_path_factory):
    catboost = pytest.importorskip("catboost")
    numpy = pytest.importorskip("numpy")
    pandas = pytest.importorskip("pandas")
    classes = (numbers[:, 0] > 0.5).astype(int)
    words = [["good" if one else "bad", f"word {number % 7} of {'good' if one else 'bad'}"] for number, one in enumerate(classes)]
    mixed = numpy.concatenate([numpy.array(words, dtype=object), numbers.astype(object)], 1)
    vectors = pandas.DataFrame({"vector": list(numbers), "number": numbers[:, 0], "text": [text for _, text in words]})
    cases = {
        "numbers": (numbers, {}),
        "categories": (mixed[:, [0, 2, 3]], {"cat_features": [0]}),
        "texts": (mixed[:, 1:], {"text_features": [0]}),
        "vectors": (vectors[["vector", "number"]], {"embedding_features": ["vector"]}),
        "both": (vectors, {"embedding_features": ["vector"], "text_features": ["text"]}),
    }
    found = {}
    for name, (table, columns) in cases.items():
        settings = {"one_hot_max_size": 1} if name == "categories" else {}
        model = catboost.CatBoostClassifier(
            iterations=2, depth=2, verbose=0, thread_count=1, allow_writing_files=False, random_seed=0, **settings
        )
        path = tmp_path_factory.mktemp("models") / f"{name}.cbm"
        model.fit(table, classes, **columns).save_model(str(path))
        found[name] = path.read_bytes()
    return found


def test_models_of_xgboost_are_data(xgboost_models):
    assert {level(data) for data in xgboost_models} == {RiskLevel.DATA_ONLY}
    assert {report(data).format for data in xgboost_models} == {"xgboost-ubjson", "text"}


@pytest.mark.parametrize("booster", OLD)
@pytest.mark.parametrize("mark", [True, False])
def test_models_of_older_xgboosts_are_data(booster, mark):
    data = old(booster) if mark else old(booster)[4:]
    assert report(data).format == "xgboost-binary"
    assert level(data) is RiskLevel.DATA_ONLY


def test_models_of_catboost_are_data(catboost_models):
    assert {name: level(data) for name, data in catboost_models.items()} == dict.fromkeys(catboost_models, RiskLevel.DATA_ONLY)
    assert {report(data).format for data in catboost_models.values()} == {"catboost"}
    assert len({data.count(b"_process_") for data in catboost_models.values()}) > 1  # some have what follows the core


def test_model_of_lightgbm_is_data(numbers):
    lightgbm = pytest.importorskip("lightgbm")
    table = lightgbm.Dataset(numbers, numbers[:, 0])
    model = lightgbm.train({"verbose": -1, "num_threads": 1, "num_leaves": 3, "min_data_in_leaf": 5}, table, 2)
    assert level(model.model_to_string().encode()) is RiskLevel.DATA_ONLY


def test_model_that_is_cut_off_is_never_clean(xgboost_models, catboost_models):
    kept = {name: data for name, data in catboost_models.items() if name != "both"}
    for data in (xgboost_models[0], *map(old, OLD), *kept.values()):
        for end in range(10, len(data), 1 + len(data) // 60):
            assert level(data[:end]).asks, end
    found = report(old("gbtree")[:-3])
    assert [one.rule for one in found.findings] == ["lying-header"]


def test_bytes_behind_a_model_belong_to_nothing(xgboost_models, catboost_models):
    for data in (xgboost_models[0], *map(old, OLD), catboost_models["numbers"], catboost_models["categories"]):
        assert level(data + b"hidden") is RiskLevel.UNINSPECTED
    assert level(catboost_models["texts"] + b"hidden").asks
    assert level(catboost_models["vectors"] + b"hidden").asks


@pytest.mark.parametrize(
    "value",
    [
        of_numbers(b"d", 1 << 60, b""),
        of_numbers(b"d", 3, bytes(4)),
        of_numbers(b"L", -1, b""),
        b"[#L" + struct.pack(">q", 1 << 62),
        b"[#L" + struct.pack(">q", -5),
        b"SL" + struct.pack(">q", 1 << 50),
        b"SL" + struct.pack(">q", -1),
    ],
)
def test_universal_binary_json_that_lies_is_told(value):
    found = report(ubjson(value))
    assert evaluate(found).level.asks
    assert [one.rule for one in found.findings] == ["lying-header"]


@pytest.mark.parametrize(
    "value", [b"[" * 100_000, b"N", b"H" + key(b"1"), b"[$S#L" + bytes(8), b"[#i\1T", b"Si\1x", b"{i\1ai\1}", b"]"]
)
def test_universal_binary_json_that_xgboost_does_not_write_is_missed(value):
    assert level(ubjson(value)).asks


@pytest.mark.parametrize(
    "value", [b"Z", b"T", b"[]", b"{}", b"[#L" + bytes(8), b"[TFZ[]]", b"[#L" + struct.pack(">q", 2) + b"[T]{}", b"D" + bytes(8)]
)
def test_every_value_of_universal_binary_json(value):
    assert level(ubjson(value)) is RiskLevel.DATA_ONLY


@pytest.mark.parametrize("text", ["{Large text}", "{Lösung}", "{L", "{L}"])
def test_text_that_begins_like_universal_binary_json_is_text(text):
    assert level(text.encode()) is RiskLevel.DATA_ONLY


@pytest.mark.parametrize(("place", "value"), [(180, 1 << 30), (180, -1), (344, 1 << 30), (344, -7)])
def test_older_model_whose_counts_lie_is_told(place, value):
    data = bytearray(old("gbtree"))
    start = data.index(b"gbtree") + len(b"gbtree")
    where = start if place == 180 else start + 160 + 4
    data[where : where + 4] = struct.pack("<i", value)
    assert [one.rule for one in report(bytes(data)).findings] == ["lying-header"]


@pytest.mark.parametrize("length", [0, 3, 1 << 31, 0xFFFFFFFF])
def test_core_of_catboost_whose_length_lies_is_never_clean(length, catboost_models):
    data = catboost_models["numbers"]
    assert level(data[:4] + struct.pack("<I", length) + data[8:]).asks


def test_every_change_of_a_byte_ends_in_a_report(catboost_models):
    for data, most in ((catboost_models["categories"], 120), (old("gbtree"), 400), (ubjson(of_numbers(b"d", 2, bytes(8))), 60)):
        for place in range(min(most, len(data))):
            for value in (0x7F, 0xFF):
                assert level(data[:place] + bytes([value]) + data[place + 1 :]) in RiskLevel


def test_pickle_that_begins_like_a_model_of_catboost(tmp_path):
    class Attack:
        def __reduce__(self):
            return open, (str(tmp_path / "canary"), "w")

    data = b"CBM1" + bytes(64) + b"0" + pickle.dumps(Attack(), 0)  # to pickle, 66 bytes and a pickle
    pickle.loads(data).close()
    assert (tmp_path / "canary").exists()
    assert level(data) is RiskLevel.DANGEROUS
