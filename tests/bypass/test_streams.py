"""One file, many ways to be more than it seems: armed streams behind, before, inside and beside honest ones."""

import io
import pickle

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

from assembly import call, stream, write  # isort: skip
from opcodes import HEAD, dots, text  # isort: skip

HONEST = pickle.dumps({"weights": [1.0, 2.0]})


@pytest.fixture
def payload(canary):
    return call("builtins:open", str(canary), "w")


def until_the_end(data):
    file = io.BytesIO(data)
    while file.tell() < len(data):
        pickle.load(file)


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.parametrize(
    "tail",
    [b"", b"0", b"\xff", b"00000000.", b"c", b"\x95\xff\xff\xff\xff\xff\xff\xff\x7f", b"J\x00", b"(((((", b"ios\n"],
    ids=[
        "cut",
        "pop",
        "no opcode",
        "empty stack",
        "a half name",
        "a frame beyond the end",
        "half a number",
        "marks",
        "half an INST",
    ],
)
def test_payload_before_a_broken_tail(tail, payload, hold, canary):
    data = HEAD + write(payload) + tail
    with pytest.raises((pickle.UnpicklingError, EOFError, ValueError, IndexError)):
        pickle.loads(data)
    assert canary.exists()
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)
    assert not canary.exists()


@pytest.mark.parametrize("between", [b"", HONEST, HONEST * 3])
def test_payload_in_a_later_stream(between, payload, hold, canary):
    data = HONEST + between + stream(payload)
    until_the_end(data)
    assert canary.exists()
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        until_the_end(data)
    assert not canary.exists()


def test_payload_in_a_stream_that_the_first_one_names(payload, strike):
    strike(stream({"weights": 1, "inner": call("pickle:loads", stream(payload))}))


@pytest.mark.parametrize("depth", [1, 5])
def test_pickle_in_pickle(depth, payload, strike):
    inner = stream(payload)
    for _ in range(depth):
        inner = stream(call("_pickle:loads", inner))
    strike(inner)


# https://github.com/mmaitre314/picklescan/security/advisories/GHSA-9gvj-pp9x-gcfr
def test_names_as_strings_of_the_first_protocol(strike, canary):
    strike(b"S'os'\nS'system'\n\x93" + f"S'touch {canary}'\n".encode() + b"\x85R.")


# https://github.com/mmaitre314/picklescan/pull/23 and pull/52: names through the memo, out of order, and under numbers that are no numbers
@pytest.mark.parametrize(
    "names",
    [
        text("os") + b"q\x010" + text("system") + b"q\x000h\x01h\x00\x93",
        text("system") + b"\x940" + text("math") + b"q\x050" + text("os") + b"q\x050h\x05h\x00\x93",
        text("os") + b"p00000000\n0" + text("system") + b"p007\n0g0\ng7\n\x93",
        text("os") + text("path") + b"0" + text("system") + b"\x93",
        b"(" + text("os") + text("system") + b"t0" + text("os") + b"2" + b"0" + text("system") + b"\x93",
    ],
    ids=["exchanged", "overwritten", "written in other ways", "thrown away between", "doubled"],
)
def test_names_through_the_memo(names, strike, canary):
    strike(HEAD + names + text(f"touch {canary}") + b"\x85R.")


# https://github.com/trailofbits/fickling/security/advisories/GHSA-mxhj-88fx-4pcv
@pytest.mark.parametrize("act", ["o", "R", "\x81"])
def test_call_whose_result_is_thrown_away(act, strike, canary):
    path = text(str(canary))
    handler = dots("logging", "FileHandler")
    data = {
        "o": b"(" + handler + path + b"o",
        "R": handler + path + b"\x85R",
        "\x81": handler + path + b"\x85R0" + handler + b")\x81",
    }
    strike(HEAD + data[act] + b"0N.")


# https://github.com/trailofbits/fickling/security/advisories/GHSA-mhc9-48gj-9gp3
def test_call_that_is_made_to_look_used_by_a_state(strike, canary):
    strike(HEAD + dots("logging", "FileHandler") + text(str(canary)) + b"\x85R}b.")


def test_armed_stream_is_read_from_where_the_file_stands(payload, hold, canary):
    file = io.BytesIO(HONEST + stream(payload))
    hold()
    file.seek(len(HONEST))
    with pytest.raises(ModelLoadBlockedError):
        pickle.load(file)
    assert not canary.exists()
    file.seek(0)
    assert pickle.load(file)["weights"] == [1.0, 2.0]


# https://github.com/mmaitre314/picklescan/security/advisories/GHSA-jgw4-cr84-mqxg, CVE-2025-10155 and CVE-2025-1889
@pytest.mark.parametrize(
    "name", ["weights.safetensors", "weights", "config.json", "weights.bin", "archive.zip", "x.pkl.png", ".hidden"]
)
def test_name_of_a_file_says_nothing(name, payload, hold, tmp_path, canary):
    path = tmp_path / name
    path.write_bytes(stream(payload))

    def load():
        with path.open("rb") as file:
            pickle.load(file)

    load()
    assert canary.exists()
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError):
        load()
    assert not canary.exists()
