"""The Merkle tree: the roots and proofs of RFC 6962, checked against its own definition and against known answers."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.core.merkle import EMPTY_ROOT, Frontier, consistency, extends, includes, inclusion

LEAVES = st.lists(st.binary(min_size=32, max_size=32).map(bytes.hex), min_size=1, max_size=40)


def defined(leaves):
    """The root as section 2.1 of RFC 6962 defines it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + bytes.fromhex(leaves[0])).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\x01" + defined(leaves[:half]) + defined(leaves[half:])).digest()


def root_of(leaves):
    frontier = Frontier()
    for leaf in leaves:
        frontier.add(leaf)
    return frontier.root


# The inputs of the reference implementation's tests (certificate-transparency-go, merkletree) and their published roots.
KNOWN = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize("size", ROOTS)
def test_the_published_roots_come_out(size):
    assert root_of(KNOWN[:size]) == ROOTS[size]


def test_no_leaves_have_the_root_of_nothing():
    assert root_of([]) == Frontier().root == EMPTY_ROOT == hashlib.sha256(b"").hexdigest()


@given(LEAVES)
def test_the_frontier_gives_the_defined_root_however_often_it_is_put_away(leaves):
    frontier = Frontier()
    for leaf in leaves:
        frontier = Frontier(frontier.size, frontier.roots)
        frontier.add(leaf)
    assert frontier.root == defined(leaves).hex()


@given(LEAVES, st.data())
def test_a_leaf_is_proven_where_it_stands_and_nowhere_else(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, root = inclusion(leaves, index), root_of(leaves)
    assert includes(leaves[index], index, len(leaves), path, root)
    other = data.draw(st.integers(0, len(leaves) - 1).filter(lambda one: one != index or len(leaves) == 1))
    assert other == index or leaves[other] == leaves[index] or not includes(leaves[other], index, len(leaves), path, root)
    assert not includes(leaves[index], index, len(leaves), (*path, root), root)
    assert not includes("ab" * 32, index, len(leaves), path, root)


@given(LEAVES, st.data())
def test_a_tree_extends_its_beginnings_and_no_other(leaves, data):
    size = data.draw(st.integers(1, len(leaves)))
    path, old, new = consistency(leaves, size), root_of(leaves[:size]), root_of(leaves)
    assert extends(size, old, len(leaves), new, path)
    changed = [*leaves]
    changed[data.draw(st.integers(0, size - 1))] = "cd" * 32
    assert changed == leaves or not extends(size, root_of(changed[:size]), len(leaves), new, path)
    assert not extends(size, old, len(leaves), root_of([*leaves, "ef" * 32]), path)


@pytest.mark.parametrize(("size", "roots"), [(1, []), (2, ["ab", "cd"]), (3, ["ab"])])
def test_a_frontier_of_the_wrong_shape_is_refused(size, roots):
    with pytest.raises(ValueError, match="subtrees"):
        Frontier(size, roots)
