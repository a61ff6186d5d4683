"""Drafts: a policy file with the packs it names, as one text that needs no folder any more."""

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..core.errors import PolicyError
from ..core.noun import Noun
from ..core.settings import Place
from .document import read_document
from .policy import Policy, parse_policy, policy_text

_FILE = re.compile(r"^--- # file (.+)\n", re.MULTILINE)


class Draft(Noun):
    """A policy that somebody may put forward."""

    text: str
    """The file, and behind it the packs that it names by file."""
    policy: Policy


def draft(path: Path) -> Draft:
    """The policy in a file, with the packs it names; raises PolicyError."""
    text = policy_text(path)
    document = read_document(text, origin=str(path))
    packs = "".join(f"--- # file {name}\n{policy_text(path.parent / name)}" for name in _pack_files(document))
    whole = text if not packs else f"{text.rstrip()}\n{packs}"
    return Draft(text=whole, policy=parse_draft(whole, origin=str(path)))


def draft_of(place: Place) -> Draft:
    """The policy in the workspace's file; the shipped one where it names none."""
    named = place.workspace.policy
    if named:
        return draft(place.path(named))
    text = policy_text(None)
    return Draft(text=text, policy=parse_draft(text, origin="guardrails/house.yaml"))


def parse_draft(text: str, *, origin: str) -> Policy:
    """The policy in a text with its packs behind it; raises PolicyError."""
    head, *rest = _FILE.split(text)
    if not rest:
        return parse_policy(head, origin=origin)
    with tempfile.TemporaryDirectory(prefix="shiftlead-") as folder:
        for name, pack in zip(rest[::2], rest[1::2], strict=True):
            (Path(folder) / _plain_name(name)).write_text(pack, encoding="utf-8")
        return parse_policy(head, origin=origin, folder=Path(folder))


def _pack_files(document: Mapping[str, object]) -> list[str]:
    entries = document.get("packs")
    named = (one.get("pack") if isinstance(one, Mapping) else one for one in (entries if isinstance(entries, list) else []))
    names = (name.partition("@")[0] for name in named if isinstance(name, str))
    return [_plain_name(name) for name in names if name.endswith(".yaml")]


def _plain_name(name: str) -> str:
    if Path(name).name != name:
        raise PolicyError(f"The pack {name!r} does not lie beside the policy.", hint="Put the file into the same folder.")
    return name
