"""What an exported program's own text may say without a question."""

import pytest

from jupyter_modelguard.policy.exported_code import odd_guard, odd_size, odd_source

SOURCE = """

def forward(self, p_0_weight, input, layout: torch.Tensor = None):
    input_1 = input
    _set_grad_enabled = torch._C._set_grad_enabled(False)
    linear = torch.ops.aten.linear.default(input_1, p_0_weight);  input_1 = None
    weight = getattr(self.l, "a-b").weight
    true_graph_0 = self.true_graph_0
    cond = torch.ops.higher_order.cond(True, true_graph_0, [linear]);  true_graph_0 = None
    full = torch.ops.aten.full.default([2, 3], -inf, dtype = torch.float32, device = device(type='cpu'), pin_memory = False)
    return pytree.tree_unflatten((linear[0], cond), self._out_spec)
"""


@pytest.mark.parametrize(
    "text", ["Symbol('s31', positive=True, integer=True)", "(s94//3)", "2*s0 + Max(1, s1)", "FloorDiv(s0, 2)", "8", "u0 >= 1"]
)
def test_sizes_that_torch_writes(text):
    assert not odd_size(text)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('x')",
        "sympify('1')",
        "Symbol('a b')",
        "lambdify(x, 'y')",
        "s0.free_symbols",
        "(lambda: 1)()",
        "[x for x in y]",
        "Max(sympify)('x')",
        "Symbol",
        "'text'",
        "f'{1}'",
        "1;2",
        "",
        None,
    ],
)
def test_sizes_that_do_more(text):
    assert odd_size(text)


@pytest.mark.parametrize("text", ["L['x'].size()[0] == 4", "2 <= L['x'].size()[0] and Mod(L['y'].size()[1], 3) == 0"])
def test_guards_that_torch_writes(text):
    assert not odd_guard(text)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('x')",
        "torch.load('x')",
        "L.__class__",
        "open('x')",
        "math.os",
        "(lambda: 1)()",
        "L['x'].tofile('y')",
        "a:=1",
    ],
)
def test_guards_that_do_more(text):
    assert odd_guard(text)


def test_graph_that_torch_writes():
    assert not odd_source(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("= None):", "= print(1)):"),
        ("layout: torch.Tensor", "layout: print(1)"),
        ("\n\ndef", "\nprint(1)\ndef"),
        ("\n\ndef", "\n@print\ndef"),
        ("\n\ndef", "\nimport os\ndef"),
        ("torch.ops.aten.linear.default", "torch.load"),
        ("torch.ops.aten.linear.default", "torch.ops.load_library"),
        ("torch.ops.aten.linear.default", "torch.ops.aten.from_file.default"),
        ("torch.ops.aten.linear.default", "torch.ops.acme.run.default"),
        ("torch.ops.aten.linear.default", "operator.methodcaller"),
        ("self.true_graph_0", "self.__class__"),
        ("input_1 = input\n", "input_1 = open('x')\n"),
        ("input_1 = input\n", "input_1 = torch\n"),
        ("input_1 = input\n", "input_1 = eval('x')\n"),
        ("input_1 = input\n", "input_1 = getattr(torch, 'load')\n"),
        ("input_1 = input\n", "input_1 = getattr(self, '__class__')\n"),
        ("input_1 = input\n", "input_1 = input.tofile('x')\n"),
        ("input_1 = input\n", "input_1 = lambda: 1\n"),
        ("input_1 = input\n", "import os\n"),
        ("return", "retrun"),
    ],
)
def test_graph_that_does_more(old, new):
    assert old in SOURCE
    assert odd_source(SOURCE.replace(old, new))


def test_name_is_a_function_s_own_only_where_it_is_one():
    source = "def forward(self, x):\n    y = open('a')\n    return y\n\ndef other(self, open):\n    return open\n"
    assert odd_source(source)
    assert not odd_source(source.replace("open('a')", "torch.ops.aten.relu.default(x)"))


def test_graph_sets_nothing_outside_itself():
    assert odd_source("def forward(self, x):\n    torch.float32 = x\n    return x\n")


@pytest.mark.parametrize("text", ["'a\"b'", '"a\'b"', "'a\\\\b'", "'a\\nb'"])
def test_text_in_a_guard_cannot_end_the_text_around_it(text):
    assert odd_guard(f"L[{text}].size()[0] == 1")
    assert not odd_guard("L['a b'].size()[0] == 1")
