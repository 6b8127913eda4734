"""Graphs as tools read and change them, and what PyTorch printed of graphs."""

import copy
import gc
import pathlib
import re
import xml.dom.minidom
from typing import Optional

import graph_programs
import pytest
from cases import same

import tine as torch
from tine import Tensor

HERE = pathlib.Path(__file__).parent
TEXTS = dict(part.split("\n", 1) for part in (HERE / "pytorch_graphs.txt").read_text().split("==== ")[1:])


@torch.jit.script
def scaled(x: Tensor, n: int) -> Tensor:
    y = torch.relu(x)
    for i in range(n):
        y = y + i
    return y * 2.0


@torch.jit.script
def calls_it(x: Tensor) -> Tensor:
    return scaled(x, 2) + scaled(x, 3)


@torch.jit.script
def forks_it(x: Tensor) -> Tensor:
    later = torch.jit.fork(scaled, x, 2)
    return torch.jit.wait(later) + 1


# What PyTorch prints


@pytest.mark.parametrize("name", TEXTS)
def test_what_pytorch_prints_of_a_graph_is_read(name):
    graph = torch._C.parse_ir(TEXTS[name])
    graph.lint()
    assert str(torch._C.parse_ir(str(graph))) == str(graph)


@pytest.mark.parametrize(("fn", "args"), graph_programs.PROGRAMS, ids=lambda p: getattr(p, "__name__", ""))
def test_pytorchs_graph_of_a_program_does_what_the_program_does(fn, args):
    callees = {callee.__name__: torch.jit.script(callee) for callee in (graph_programs.part, graph_programs.double)}
    graph = torch._C.parse_ir(TEXTS[fn.__name__])
    # It has the names of functions without their modules.
    for call in [*graph.findAllNodes("prim::CallFunction"),
                 *(c for f in graph.findAllNodes("prim::fork") for c in f.g("Subgraph").nodes() if c.hasAttribute("name"))]:
        call.s_("name", callees[call.s("name")].qualified_name)
    made = torch._C._create_function_from_graph(fn.__name__, graph)
    assert same(made(*copy.deepcopy(args)), torch.jit.script(fn)(*copy.deepcopy(args)))


@pytest.mark.parametrize(("text", "expected"), [
    ("graph(%x : Tensor):\n  %y : Tensor = aten::nope(%x)\n  return (%y)", "aten::nope: tine has no operator of this name"),
    ("graph(%x : int):\n  %y : Tensor = aten::relu(%x)\n  return (%y)", "aten::relu: no overload takes (int)"),
    ("graph(%x : Tensor):\n  %f : Tensor = prim::CallFunction(%x)\n  return (%f)", "expected a function"),
    ("graph():\n  %x : Tensor = prim::Constant[value=<Tensor>]()\n  return (%x)", "it was not printed exactly"),
    ("graph(%x : (int, int)):\n  %i : int = prim::Constant[value=2]()\n  %y : int = prim::TupleIndex(%x, %i)\n  return (%y)",
     "the index is not in the tuple"),
    ("graph(%x : __torch__.A):\n  %y : __torch__.A = prim::GetAttr[name=\"y\"](%x)\n  return (%y)", "contains itself"),
    ("graph():\n  %y : Future(int) = prim::Uninitialized()\n  return (%y)", "must have a value here"),
])
def test_what_cannot_be_read_is_a_syntax_error(text, expected):
    with pytest.raises(torch.SyntaxError) as error:
        torch._C.parse_ir(text)
    assert expected in str(error.value)


def test_a_constant_tensor_of_pytorch_keeps_its_dtype():
    graph = torch._C.parse_ir("graph():\n  %x : Double(requires_grad=0, device=cpu) = prim::Constant[value={2.5}]()\n  return (%x)")
    value = next(graph.outputs()).toIValue()
    assert value.dtype == torch.float64 and value.item() == 2.5


# Reading


def test_a_graph_lists_its_nodes_inputs_and_outputs():
    graph = scaled.graph
    assert [n.kind() for n in graph.nodes()] == ["aten::relu", "prim::Constant", "prim::Loop", "prim::Constant", "aten::mul"]
    assert [v.debugName() for v in graph.inputs()] == ["x", "n"]
    (out,) = graph.outputs()
    assert out.node().kind() == "aten::mul" and out.offset() == 0
    assert graph.param_node().kind() == "prim::Param" and list(graph.param_node().outputs()) == list(graph.inputs())
    assert graph.return_node().kind() == "prim::Return" and graph.return_node().inputsAt(0) == out
    assert next(graph.inputs()).node() == graph.param_node()


def test_nodes_are_found_by_their_kind_in_blocks_too():
    graph = scaled.graph
    assert graph.findNode("aten::add").kind() == "aten::add"
    assert graph.findNode("aten::add", recurse=False) is None
    assert len(graph.findAllNodes("prim::Constant")) == 4
    assert len(graph.findAllNodes("prim::Constant", recurse=False)) == 2
    loop = graph.findNode("prim::Loop")
    assert loop.findNode("aten::add") == graph.findNode("aten::add")
    assert loop.findAllNodes("aten::mul") == []


def test_a_node_says_all_of_itself():
    graph = scaled.graph
    add = graph.findNode("aten::add")
    assert add.schema().startswith("aten::add.Scalar(Tensor self, Scalar other")
    assert add.inputsSize() == 3 and add.outputsSize() == 1 and not add.hasMultipleOutputs()
    assert add.namedInput("alpha").toIValue() == 1
    assert "test_graphs.py" in add.sourceRange() and "y + i" in add.sourceRange()
    assert add.scopeName() == "" and add.output().type() == torch._C.TensorType.get()
    (body,) = graph.findNode("prim::Loop").blocks()
    assert add.owningBlock() == body and body.owningNode().kind() == "prim::Loop"
    assert [v.type().str() for v in body.inputs()] == ["int", "Tensor"]
    assert [n.kind() for n in body.nodes()] == ["prim::Constant", "aten::add", "prim::Constant"]
    assert add.prev().kind() == "prim::Constant" and add.next().next() == body.returnNode() and add.next().next().next() is None
    assert graph.findNode("aten::relu").isBefore(add) and add.isAfter(graph.findNode("prim::Loop"))
    assert graph.findNode("prim::Loop").schema() == "(no schema)"
    assert add.matches("aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor")


def test_attributes_are_read_by_their_kind():
    @torch.jit.script
    def constants(x: Tensor) -> tuple[int, float, str, bool, Tensor]:
        return 3, 2.5, "s", True, x

    found = {}
    for node in constants.graph.findAllNodes("prim::Constant"):
        assert node.attributeNames() == ["value"] and node.hasAttribute("value") and not node.hasAttribute("name")
        kind = node.kindOf("value")
        found[node.output().type().str()] = (kind, getattr(node, kind)("value"), node.ival("value"))
    assert found == {"int": ("i", 3, 3), "float": ("f", 2.5, 2.5), "str": ("s", "s", "s"), "bool": ("i", 1, True)}
    (fork,) = forks_it.graph.findAllNodes("prim::fork")
    assert fork.attributeNames() == ["Subgraph"] and fork.kindOf("Subgraph") == "g"
    (call,) = fork.g("Subgraph").nodes()
    assert call.s("name") == scaled.qualified_name
    with pytest.raises(TypeError, match=r"is read by s\(\), not by i\(\)"):
        call.i("name")
    with pytest.raises(NameError, match="has no attribute 'value'; it has name"):
        call.i("value")


def test_uses_say_who_uses_a_value_and_where():
    graph = scaled.graph
    x, n = graph.inputs()
    (use,) = x.uses()
    assert (use.user.kind(), use.offset) == ("aten::relu", 0)
    (use,) = n.uses()
    assert (use.user.kind(), use.offset) == ("prim::Loop", 0)
    (use,) = next(graph.outputs()).uses()
    assert use.user == graph.return_node()
    assert graph.findNode("aten::relu").hasUses()


def test_types_are_objects():
    c = torch._C
    assert c.TensorType.get() == c.TensorType.get() and c.IntType.get() != c.FloatType.get()
    nested = c.DictType(c.StringType.get(), c.ListType(c.TupleType([c.IntType.get(), c.OptionalType.ofTensor()])))
    assert nested.annotation_str == "Dict[str, List[Tuple[int, Optional[Tensor]]]]" and nested.str() == "Dict(str, (int, Tensor?)[])"
    assert nested.kind() == "DictType" and nested.getKeyType() == c.StringType.get()
    assert isinstance(nested, c.Type) and isinstance(nested.getValueType(), c.ListType)
    assert nested.getValueType().getElementType().elements()[1].getElementType().kind() == "TensorType"
    assert c.IntType.get().isSubtypeOf(c.OptionalType(c.IntType.get())) and not c.AnyType.get().isSubtypeOf(c.IntType.get())
    assert c.ListType.ofInts() == c.ListType(c.IntType.get()) and len({c.ListType.ofInts(), c.ListType.ofInts()}) == 1
    assert c.NoneType.get().annotation_str == "NoneType" and c.NumberType.get().str() == "Scalar"
    assert c.FutureType(c.IntType.get()).containedTypes() == [c.IntType.get()]
    with pytest.raises(TypeError, match="ListType takes one type"):
        c.ListType()
    with pytest.raises(TypeError, match="expected a type"):
        c.ListType(int)


def test_the_class_of_a_module_is_a_type():
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = torch.nn.Linear(2, 3)

        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(self.fc(x))

    net = torch.jit.script(Net())
    kind = next(net.graph.inputs()).type()
    assert kind.kind() == "ClassType" and kind.name().startswith("Net") and "fc" in kind.attributes()
    assert kind.getAttribute("fc").getAttribute("weight") == torch._C.TensorType.get()
    assert net.graph.findNode("prim::CallMethod").s("name") == "forward"
    inlined = net.inlined_graph
    assert inlined.findNode("prim::CallMethod") is None and inlined.findNode("aten::linear") is not None
    assert net.forward.inlined_graph.content_hash() == inlined.content_hash()


@torch.jit.interface
class Sized:
    def size(self) -> int:
        pass


class Chained:
    def __init__(self, length: int):
        self.length = length
        self.before: Optional["Chained"] = None

    def size(self) -> int:
        return self.length


def test_classes_and_interfaces_as_types():
    @torch.jit.script
    def f(one: Sized, other: Chained) -> int:
        return one.size() + other.length

    one, other = (value.type() for value in f.graph.inputs())
    assert one.is_interface_type() and not other.is_interface_type()
    assert not torch._C.IntType.get().is_interface_type()
    inner = other.getAttribute("before").getElementType()
    assert inner.getAttribute("length") == torch._C.IntType.get() and inner.attributes() == other.attributes()


def test_calls_are_inlined_but_not_recursion():
    assert calls_it.inlined_graph.findAllNodes("prim::CallFunction") == []
    assert len(calls_it.inlined_graph.findAllNodes("aten::relu")) == 2
    assert len(calls_it.graph.findAllNodes("prim::CallFunction")) == 2
    unit = torch.jit.CompilationUnit("""
def down(n: int) -> int:
    if n < 1:
        return 0
    return down(n - 1) + 1
""")
    inlined = unit.down.inlined_graph
    assert len(inlined.findAllNodes("prim::CallFunction")) == 1


# Changing


def test_a_changed_graph_is_a_function():
    graph = scaled.graph
    relu = graph.findNode("aten::relu")
    tanh = graph.create("aten::tanh", [relu.inputsAt(0)]).insertAfter(relu)
    relu.replaceAllUsesWith(tanh)
    relu.destroy()
    graph.lint()
    made = torch._C._create_function_from_graph("with_tanh", graph)
    x = torch.tensor([1.0, -1.0])
    assert torch.allclose(made(x, 3), (torch.tanh(x) + 3) * 2.0)
    assert torch.allclose(scaled(x, 3), (torch.relu(x) + 3) * 2.0)
    assert scaled.graph.findNode("aten::relu") is not None
    assert made.schema == "with_tanh(Tensor x, int n) -> Tensor"


def test_a_graph_is_written_from_nothing():
    graph = torch._C._new_graph()
    x = graph.addInput("x")
    n = graph.addInput("n")
    n.setType(torch._C.IntType.get())
    two = graph.insertConstant(2)
    doubled = graph.insert("aten::mul", [x, two])
    total = graph.insert("aten::add", [doubled, n], {"alpha": 3})
    total.setDebugName("total")
    graph.registerOutput(total)
    assert "%total : Tensor = aten::add" in str(graph)
    made = torch._C._create_function_from_graph("written", graph)
    assert made(torch.ones(2), 5).tolist() == [17.0, 17.0]
    assert made(n=1, x=torch.ones(1)).tolist() == [5.0]
    assert torch.jit.CompilationUnit().create_function("again", graph)(torch.ones(1), 1).tolist() == [5.0]


def test_a_copy_is_changed_on_its_own():
    graph = scaled.graph
    before = str(graph)
    other = graph.copy()
    other.setInsertPoint(other.findNode("aten::mul"))
    other.findNode("aten::mul").replaceInput(1, other.insertConstant(1.5))
    assert str(graph) == before and "value=1.5" in str(other)
    assert torch._C._create_function_from_graph("copied", other)(torch.ones(1), 0).tolist() == [1.5]


def test_the_nodes_of_a_graph_are_put_into_another():
    graph = torch._C.parse_ir("graph(%x : Tensor):\n  return (%x)")
    inner = torch._C.parse_ir("graph(%a : Tensor, %b : Tensor):\n  %s : Tensor = aten::mul(%a, %b)\n  return (%s)")
    (x,) = graph.inputs()
    (out,) = graph.insertGraph(inner, [x, x])
    graph.eraseOutput(0)
    graph.registerOutput(out)
    assert torch._C._create_function_from_graph("squared", graph)(torch.tensor([3.0])).tolist() == [9.0]


def test_nodes_move_and_constants_change():
    graph = torch._C.parse_ir("""graph(%x : Tensor):
  %one : int = prim::Constant[value=1]()
  %two : float = prim::Constant[value=2.0]()
  %a : Tensor = aten::mul(%x, %two)
  %b : Tensor = aten::add(%a, %x, %one)
  return (%b)
""")
    one, two = graph.findAllNodes("prim::Constant")
    one.moveAfter(two)
    assert [n.kind() for n in graph.nodes()][:2] == ["prim::Constant"] * 2 and two.next() == one
    two.f_("value", 10.0)
    one.moveBefore(graph.return_node())
    with pytest.raises(torch.SyntaxError, match="not defined|before"):
        graph.lint()
    one.moveBefore(two)
    assert torch._C._create_function_from_graph("moved", graph)(torch.ones(1)).tolist() == [11.0]


def test_several_outputs_become_a_tuple():
    graph = torch._C.parse_ir("graph(%x : int, %y : int):\n  return (%y, %x)")
    with pytest.raises(ValueError, match="make_multi_output_into_tuple"):
        torch._C._create_function_from_graph("two", graph)
    graph.makeMultiOutputIntoTuple()
    graph.permuteInputs([1, 0])
    assert torch._C._create_function_from_graph("two", graph)(1, 2) == (1, 2)


# What must not happen


def test_what_is_gone_is_an_error_and_never_a_crash():
    graph = scaled.graph
    loop = graph.findNode("prim::Loop")
    (body,) = loop.blocks()
    add, counter = body.findNode("aten::add"), next(body.inputs())
    loop.replaceAllUsesWith(graph.findNode("aten::relu"))
    loop.destroy()
    for dead in (loop.kind, loop.inputs, loop.blocks, loop.destroy, add.kind, add.inputs,
                 add.output, body.nodes, body.inputs, body.returnNode, counter.type, counter.uses, counter.debugName,
                 lambda: counter.setDebugName("x"), lambda: str(add), lambda: repr(counter),
                 lambda: graph.findNode("aten::mul").addInput(counter), lambda: add.moveBefore(graph.return_node()),
                 lambda: graph.setInsertPoint(body), lambda: graph.registerOutput(counter)):
        with pytest.raises(ValueError, match="destroyed|gone"):
            dead()
    assert torch._C._create_function_from_graph("no_loop", graph)(torch.tensor([-1.0, 2.0]), 1).tolist() == [0.0, 4.0]


def test_a_node_keeps_its_graph():
    node = scaled.graph.findNode("aten::add")
    use = next(scaled.graph.inputs()).uses()[0]
    body = scaled.graph.findNode("prim::Loop").blocks()
    gc.collect()
    assert node.kind() == "aten::add" and use.user.kind() == "aten::relu" and next(next(body).nodes()).kind() == "prim::Constant"


@pytest.mark.parametrize(("what", "expected"), [
    (lambda g: g.findNode("aten::relu").destroy(), "is still used"),
    (lambda g: g.eraseInput(0), "is still used"),
    (lambda g: g.findNode("aten::relu").eraseOutput(0), "is still used"),
    (lambda g: g.findNode("aten::relu").addInput(next(scaled.graph.inputs())), "belongs to another graph"),
    (lambda g: g.findNode("prim::Loop").moveBefore(g.findNode("aten::add")), "inside a block of its own"),
    (lambda g: g.findNode("aten::relu").moveAfter(g.return_node()), "behind the prim::Return"),
    (lambda g: g.findNode("aten::relu").moveBefore(g.param_node()), "before the prim::Param"),
    (lambda g: g.insertNode(g.findNode("aten::relu")), "in a block already"),
    (lambda g: g.param_node().destroy(), "not possible with the prim::Param"),
    (lambda g: g.permuteInputs([0, 0]), "each of the numbers below 2 once"),
    (lambda g: g.findNode("prim::Loop").input(), "has 3 inputs, not one"),
])
def test_a_change_that_makes_no_sense_is_refused(what, expected):
    graph = scaled.graph
    before = str(graph)
    with pytest.raises(ValueError, match=expected):
        what(graph)
    assert str(graph) == before


@pytest.mark.parametrize(("what", "error", "expected"), [
    (lambda g: g.create("aten::nope", []), NameError, "aten::nope"),
    (lambda g: g.insert("aten::relu", [1]), TypeError, "no overload of 'aten::relu'"),
    (lambda g: g.insert("aten::nope", []), NameError, "aten::nope"),
    (lambda g: g.findNode("aten::relu").inputsAt(3), IndexError, "there is no input 3"),
    (lambda g: g.findNode("aten::relu").inputsAt(-1), IndexError, "from 0"),
    (lambda g: g.insertConstant(object()), ValueError, "cannot be a constant"),
    (lambda g: g.findNode(1), TypeError, "str"),
    (lambda g: g.findNode("a", deep=True), TypeError, "unexpected keyword argument 'deep'"),
    (lambda g: g.findNode(), TypeError, "at least 1"),
    (lambda g: g.registerOutput(3), TypeError, "expected a tine._C.Value, got a int"),
])
def test_wrong_arguments_are_named(what, error, expected):
    with pytest.raises(error, match=expected):
        what(scaled.graph)


def test_a_graph_that_could_not_run_is_refused_before_it_runs():
    graph = scaled.graph
    graph.findNode("aten::relu").replaceInput(0, list(graph.inputs())[1])
    with pytest.raises(torch.SyntaxError, match="aten::relu"):
        graph.lint()
    with pytest.raises(torch.SyntaxError, match="aten::relu"):
        torch._C._create_function_from_graph("broken", graph)


# Passes, on whole functions


@pytest.mark.parametrize("fn", [fn for fn, _ in graph_programs.PROGRAMS], ids=lambda fn: fn.__name__)
@pytest.mark.parametrize("passes", [["inline"], ["inline_fork_wait"], ["loop_unrolling"], ["licm"], ["peephole"],
                                    ["inline", "inline_fork_wait", "loop_unrolling", "licm", "peephole", "constant_propagation",
                                     "cse", "dce", "inline", "peephole", "dce"]], ids="-".join)
def test_a_pass_changes_what_a_function_is_not_what_it_does(fn, passes):
    args = dict(graph_programs.PROGRAMS)[fn]
    graph = torch.jit.script(fn).graph
    for name in passes:
        torch._C._run_pass(name, graph)
    graph.lint()
    made = torch._C._create_function_from_graph(fn.__name__, graph)
    assert same(made(*copy.deepcopy(args)), torch.jit.script(fn)(*copy.deepcopy(args)))


# Pictures


@pytest.mark.parametrize("fn", [fn for fn, _ in graph_programs.PROGRAMS], ids=lambda fn: fn.__name__)
def test_pictures_are_well_formed(fn):
    graph = torch.jit.script(fn).graph
    picture = xml.dom.minidom.parseString(graph.to_svg())
    shown = [text.firstChild.data for text in picture.getElementsByTagName("text") if text.firstChild]
    dot = graph.to_dot()
    for kind in set(graph.kinds()) - {"prim::Constant"}:
        assert any(kind in text for text in shown) and kind in dot
    braces = re.sub(r'"(?:[^"\\]|\\.)*"', "", dot)
    assert dot.startswith("digraph ") and braces.count("{") == braces.count("}") > 0 and '"' not in braces
    width = int(picture.documentElement.getAttribute("width"))
    for box in picture.getElementsByTagName("rect"):
        assert int(box.getAttribute("x")) >= 0 and int(box.getAttribute("x")) + int(box.getAttribute("width")) <= width


def test_opnames_are_exported():
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = torch.nn.Linear(2, 3)

        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(self.fc(x))

    net = torch.jit.script(Net())
    assert torch.jit.export_opnames(net) == ["aten::linear", "aten::relu"]
    code, constants = net.code_with_constants
    assert code == net.code and constants == {}
    assert scaled.graph_for(torch.ones(1), 2).content_hash() == scaled.graph.content_hash()
