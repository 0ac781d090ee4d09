"""GGUF: files of every version and byte order are data, templates in them are judged, and a header that lies is never clean."""

import struct

import pytest

from jupyter_modelguard.engines.byte_ranges import complete
from jupyter_modelguard.engines.content import Content
from jupyter_modelguard.engines.scanner import Scanner
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.types import RiskLevel


def text(value, order="<", wide="Q"):
    return struct.pack(order + wide, len(value)) + value.encode()


def gguf(version=3, order="<", keys=(), tensors=((4,),), claims=None, offset=0, kind=0, body=None):
    wide = "I" if version == 1 else "Q"
    counts = claims or (len(tensors), len(keys))
    data = b"GGUF" + struct.pack(f"{order}I{wide}{wide}", version, *counts)
    for name, value in keys:
        data += text(name, order, wide) + struct.pack(order + "I", 8) + text(value, order, wide)
    for number, shape in enumerate(tensors):
        data += text(f"t{number}", order, wide) + struct.pack(f"{order}I{len(shape)}{wide}IQ", len(shape), *shape, kind, offset)
    return data + bytes(-len(data) % 32) + (bytes(range(1, 17)) if body is None else body)


def level(data):
    content = Content.of_bytes(data)
    return evaluate(complete(Scanner().scan(content), content.size)).level


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("version", [1, 2, 3])
def test_file_of_every_version_and_order_is_data(version, order):
    template = ("tokenizer.chat_template", "{% for m in messages %}{{ m.content }}{% endfor %}")
    assert level(gguf(version, order, [("general.name", "x"), template])) is RiskLevel.DATA_ONLY


@pytest.mark.parametrize("key", ["tokenizer.chat_template", "tokenizer.chat_template.tool_use", "general.description"])
@pytest.mark.parametrize("order", "<>")
def test_template_in_a_file_is_judged(key, order):
    attack = "{{ cycler.__init__.__globals__.os.popen('true').read() }}"
    assert level(gguf(3, order, [("a", "{{ x }}"), (key, attack)])) is RiskLevel.DANGEROUS


@pytest.mark.parametrize(
    "lying",
    [
        {"claims": (1 << 60, 0)},
        {"claims": (1, 1 << 61)},
        {"tensors": ((1 << 40, 1 << 40),)},
        {"tensors": ((1,) * 9,)},
        {"offset": 1 << 62},
        {"offset": 7},
        {"offset": 64},
        {"tensors": ((1 << 20,),)},
        {"tensors": ((4,), (4,))},
        {"keys": [("a", "1"), ("a", "2")]},
        {"kind": 8},
        {"version": 99},
    ],
    ids=str,
)
def test_header_that_lies_is_never_clean(lying):
    assert level(gguf(**lying)).asks


@pytest.mark.parametrize("length", [5, 8, 23, 30, 60])
def test_file_that_is_cut_off_is_never_clean(length):
    assert level(gguf(keys=[("general.name", "some name of a model")])[:length]).asks


def test_bytes_behind_the_tensors_belong_to_nothing():
    assert level(gguf() + b"hidden") is RiskLevel.UNINSPECTED
    assert level(gguf() + bytes(16)) is RiskLevel.DATA_ONLY


def test_every_change_of_a_byte_ends_in_a_report():
    data = gguf(keys=[("tokenizer.chat_template", "{{ m }}")])
    for place in range(len(data)):
        for value in (0, 0x7F, 0xFF):
            assert level(data[:place] + bytes([value]) + data[place + 1 :]) in RiskLevel


def test_files_of_the_formats_own_writer(tmp_path):
    library = pytest.importorskip("gguf")
    numpy = pytest.importorskip("numpy")
    for order in library.GGUFEndian:
        path = tmp_path / f"{order.name}.gguf"
        writer = library.GGUFWriter(path, "llama", endianess=order)
        writer.add_token_list([f"token {number}" for number in range(2000)])
        writer.add_token_scores([0.0] * 2000)
        writer.add_chat_template(
            [{"name": "default", "template": "{{ messages }}"}, {"name": "tool_use", "template": "{{ tools }}"}]
        )
        writer.add_tensor("a", numpy.ones((3, 5), numpy.float32))
        writer.add_tensor("b", numpy.ones((4, 34), numpy.uint8), raw_dtype=library.GGMLQuantizationType.Q8_0)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        assert level(path.read_bytes()) is RiskLevel.DATA_ONLY
