"""An explanation as a tree."""

from __future__ import annotations

from rich.text import Text
from rich.tree import Tree

from segmentd.cli.instants import instant_text
from segmentd.client import item_fault
from segmentd.v1 import explanation_pb2, membership_pb2

_WORDS = {
    explanation_pb2.NODE_KIND_ALL: "all of",
    explanation_pb2.NODE_KIND_ANY: "any of",
    explanation_pb2.NODE_KIND_NOT: "not",
    explanation_pb2.NODE_KIND_INCLUDE: "in include: always a member",
    explanation_pb2.NODE_KIND_EXCLUDE: "in exclude: never a member",
}


def explanation_tree(root: explanation_pb2.Explanation) -> Tree:
    """The rule as a tree: each node with its verdict and until when, each leaf with what was compared."""
    tree = Tree(_label(root))
    _grow(tree, root)
    return tree


def _grow(tree: Tree, node: explanation_pb2.Explanation) -> None:
    for reason in node.reasons:
        tree.add(_reason(reason))
    for child in node.children:
        _grow(tree.add(_label(child)), child)


def _label(node: explanation_pb2.Explanation) -> Text:
    excluded = node.kind == explanation_pb2.NODE_KIND_EXCLUDE  # the list applies, and that is why the user is none
    label = _mark(membership_pb2.MEMBERSHIP_NOT_MEMBER if excluded else node.membership)
    if node.kind == explanation_pb2.NODE_KIND_SEGMENT:
        label.append(f"segment {node.segment_id}", style="bold")
    else:
        label.append(_WORDS.get(node.kind, "") or node.text or node.path)
    if node.HasField("error"):
        fault = item_fault(node.error)
        return label.append(f"  no answer: {fault.message} ({fault.reason})", style="yellow")
    if node.HasField("holds_until_time"):
        label.append(f"  until {instant_text(node.holds_until_time)}", style="dim")
    return label


def _reason(reason: explanation_pb2.Reason) -> Text:
    verdict = membership_pb2.MEMBERSHIP_MEMBER if reason.member else membership_pb2.MEMBERSHIP_NOT_MEMBER
    observed = reason.observed if reason.HasField("observed") else "missing"
    threshold = f" {reason.threshold}" if reason.HasField("threshold") else ""
    return _mark(verdict).append(f"{reason.subject}: {observed}, asked for {reason.operator}{threshold}")


def _mark(membership: int) -> Text:
    if membership == membership_pb2.MEMBERSHIP_MEMBER:
        return Text("✓ ", style="green")
    if membership == membership_pb2.MEMBERSHIP_NOT_MEMBER:
        return Text("✗ ", style="red")
    return Text("? ", style="yellow")
