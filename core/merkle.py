"""The Merkle tree of RFC 6962 over the audit chain: one root for all events, and short proofs about some of them.

A leaf is the 32-byte hash of an audit event. Hashes go in and come out as hex.
"""

import hashlib
from collections.abc import Sequence

EMPTY_ROOT = hashlib.sha256(b"").hexdigest()
"""The root over no leaves (RFC 6962, section 2.1)."""


class Frontier:
    """The roots of the complete subtrees that make up a tree, largest first; enough to add leaves and to tell the root."""

    def __init__(self, size: int = 0, roots: Sequence[str] = ()) -> None:
        if len(roots) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} subtrees, not {len(roots)}")
        self.size = size
        self._roots = [bytes.fromhex(one) for one in roots]

    def add(self, leaf: str) -> None:
        """Append one leaf."""
        node, rest = _leaf(bytes.fromhex(leaf)), self.size
        while rest & 1:
            node = _node(self._roots.pop(), node)
            rest >>= 1
        self._roots.append(node)
        self.size += 1

    @property
    def roots(self) -> tuple[str, ...]:
        """The subtree roots, largest first."""
        return tuple(one.hex() for one in self._roots)

    @property
    def root(self) -> str:
        """The root over all leaves so far."""
        if not self._roots:
            return EMPTY_ROOT
        node = self._roots[-1]
        for left in reversed(self._roots[:-1]):
            node = _node(left, node)
        return node.hex()


def inclusion(leaves: Sequence[str], index: int) -> tuple[str, ...]:
    """The path that proves that leaf `index` (from 0) is under the root over `leaves` (RFC 6962, section 2.1.1)."""
    if not 0 <= index < len(leaves):
        raise ValueError(f"there is no leaf {index} among {len(leaves)}")
    return tuple(one.hex() for one in _path(index, _hashed(leaves)))


def consistency(leaves: Sequence[str], size: int) -> tuple[str, ...]:
    """The path that proves that the tree over the first `size` leaves is a beginning of this one (RFC 6962, section 2.1.2)."""
    if not 0 < size <= len(leaves):
        raise ValueError(f"there is no tree of {size} leaves in one of {len(leaves)}")
    return tuple(one.hex() for one in _subproof(size, _hashed(leaves), whole=True))


def includes(leaf: str, index: int, size: int, path: Sequence[str], root: str) -> bool:
    """Whether `path` proves that `leaf` stands at `index` in the tree of `size` leaves with this root (RFC 9162, section 2.1.3.2)."""
    try:
        node, steps = _leaf(bytes.fromhex(leaf)), [bytes.fromhex(one) for one in path]
    except ValueError:
        return False
    if not 0 <= index < size:
        return False
    at, last = index, size - 1
    for step in steps:
        if last == 0:
            return False
        if at & 1 or at == last:
            node = _node(step, node)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            node = _node(node, step)
        at, last = at >> 1, last >> 1
    return last == 0 and node.hex() == root


def extends(size: int, root: str, new_size: int, new_root: str, path: Sequence[str]) -> bool:
    """Whether `path` proves that the tree of `size` leaves is a beginning of the new one (RFC 9162, section 2.1.4.2)."""
    if size == new_size:
        return not path and root == new_root
    if not 0 < size < new_size:
        return False
    try:
        steps = [bytes.fromhex(one) for one in path]
        if size & (size - 1) == 0:
            steps.insert(0, bytes.fromhex(root))
    except ValueError:
        return False
    if not steps:
        return False
    at, last = size - 1, new_size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = _node(step, old), _node(step, new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = _node(new, step)
        at, last = at >> 1, last >> 1
    return last == 0 and old.hex() == root and new.hex() == new_root


def _leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _hashed(leaves: Sequence[str]) -> list[bytes]:
    return [_leaf(bytes.fromhex(one)) for one in leaves]


def _root(hashed: Sequence[bytes]) -> bytes:
    level = list(hashed)
    while len(level) > 1:
        paired = [_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def _split(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)


def _path(index: int, hashed: Sequence[bytes]) -> list[bytes]:
    if len(hashed) == 1:
        return []
    half = _split(len(hashed))
    if index < half:
        return [*_path(index, hashed[:half]), _root(hashed[half:])]
    return [*_path(index - half, hashed[half:]), _root(hashed[:half])]


def _subproof(size: int, hashed: Sequence[bytes], *, whole: bool) -> list[bytes]:
    if size == len(hashed):
        return [] if whole else [_root(hashed)]
    half = _split(len(hashed))
    if size <= half:
        return [*_subproof(size, hashed[:half], whole=whole), _root(hashed[half:])]
    return [*_subproof(size - half, hashed[half:], whole=False), _root(hashed[:half])]
