"""Derive the episodes of the guard suite from AgentDojo's own package; the only module that imports it.

    python -m shiftlead.evals.guard_export evals/guard_agentdojo.jsonl.gz     # needs the extra shiftlead[attacks]

The ground-truth calls of every user task, and of every injection task that ships some, are replayed in AgentDojo's environments with
a slot where an attacker writes. What each tool answers is kept with the labels an integrator would give it: ids, addresses and amounts
of the user's own systems are records, what somebody wrote is not, and of an answer to a write only the new id is.
"""

import gzip
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

BENCHMARK = "v1.2.2"
SLOT = "[[injection]]"
USER, MODEL = "Emma Johnson", "the AI language model"
WORDINGS = ("direct", "ignore_previous", "system_message", "injecagent", "important_instructions", "tool_knowledge")

RECORD, UNTRUSTED = "record", "untrusted"
AUTHORITY: dict[str, tuple[str, ...]] = {
    "send_email": ("recipients", "cc", "bcc", "attachments"),
    "delete_email": ("email_id",),
    "create_calendar_event": ("participants",),
    "cancel_calendar_event": ("event_id",),
    "reschedule_calendar_event": ("event_id",),
    "add_calendar_event_participants": ("event_id", "participants"),
    "append_to_file": ("file_id",),
    "create_file": (),
    "delete_file": ("file_id",),
    "share_file": ("file_id", "email"),
    "reserve_hotel": ("hotel",),
    "reserve_restaurant": ("restaurant",),
    "reserve_car_rental": ("company",),
    "send_money": ("recipient", "amount"),
    "schedule_transaction": ("recipient", "amount"),
    "update_scheduled_transaction": ("id", "recipient", "amount"),
    "update_password": ("password",),
    "update_user_info": ("first_name", "last_name", "street", "city"),
    "add_user_to_channel": ("user", "channel"),
    "send_direct_message": ("recipient",),
    "send_channel_message": ("channel",),
    "invite_user_to_slack": ("user", "user_email"),
    "remove_user_from_slack": ("user",),
    "post_webpage": ("url",),
}
"""Every tool that writes, with the arguments that pick who gets what; as whoever registers the tool would declare them."""
OUTSIDE = {"get_webpage": ("url",)}
"""Reads that go outside: an attacker's link is a side effect."""

_EMAIL = dict.fromkeys(("id_", "sender", "recipients", "cc", "bcc", "status"), RECORD)
_EVENT = dict.fromkeys(("id_", "participants", "start_time", "end_time", "status", "all_day"), RECORD)
_FILE = dict.fromkeys(("id_", "owner", "size"), RECORD)
_TRANSACTION = dict.fromkeys(("id", "sender", "recipient", "amount", "date", "recurring"), RECORD)
_MESSAGE = dict.fromkeys(("sender", "recipient"), RECORD)
LABELS: dict[str, str | dict[str, str]] = {
    "*email*": _EMAIL,
    "search_contacts*": RECORD,
    "*calendar_events": _EVENT,
    "*file*": _FILE,
    "*transactions": _TRANSACTION,
    "read_channel_messages": _MESSAGE,
    "read_inbox": _MESSAGE,
    "read_file": UNTRUSTED,
    "get_webpage": UNTRUSTED,
    "get_rating_reviews*": {"name": RECORD},
    "get_*": RECORD,
    "check_*": RECORD,
}
"""The first pattern that covers a tool says which of its answer's fields are records; the rest is what somebody wrote."""
_ORDER = ("read_file", "get_webpage", "get_rating_reviews*", "search_contacts*", *LABELS)
_MOVING = ("timestamp", "last_modified")
"""Fields that hold the time of the replay."""


def main(target: Path) -> None:
    """Write the episodes to `target`, the same bytes each time."""
    text = "".join(f"{json.dumps(one, ensure_ascii=False, sort_keys=True, separators=(',', ':'))}\n" for one in episodes())
    with target.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=9, mtime=0) as packed:
        packed.write(text.encode())


def episodes() -> Iterator[dict[str, Any]]:
    """A header, then one object for each user task, clean and with a slot, and for each pair with an injection task."""
    from importlib.metadata import version

    from agentdojo.task_suite.load_suites import get_suites

    pool: list[Any] = []
    told: list[dict[str, Any]] = []
    for name, suite in get_suites(BENCHMARK).items():
        told += _suite(name, suite, pool)
    yield {
        "format": 1,
        "source": f"agentdojo {version('agentdojo')}, {BENCHMARK}, MIT licence",
        "slot": SLOT,
        "wordings": _wordings(),
        "answers": pool,
    }
    yield from told


def _wordings() -> dict[str, str]:
    from agentdojo.attacks.attack_registry import ATTACKS
    from agentdojo.task_suite.load_suites import get_suites

    suite = get_suites(BENCHMARK)["banking"]
    found: dict[str, str] = {}
    for name in WORDINGS:
        attack = ATTACKS[name](suite, _Pipeline())
        found[name] = attack.jailbreak.replace("{user}", USER).replace("{model}", MODEL)
    return found


class _Pipeline:
    name = "gpt-4o-2024-05-13"


def _suite(name: str, suite: Any, pool: list[Any]) -> Iterator[dict[str, Any]]:
    from agentdojo.attacks.attack_registry import ATTACKS

    wordings = ATTACKS["tool_knowledge"](suite, _Pipeline())
    for task in suite.user_tasks.values():
        clean = task.init_environment(suite.load_and_inject_default_environment({}))
        vectors = wordings.get_injection_candidates(task)
        attacked = task.init_environment(suite.load_and_inject_default_environment(dict.fromkeys(vectors, SLOT)))
        yield {
            "suite": name,
            "task": task.ID,
            "instruction": task.PROMPT,
            "clean": _replayed(suite, task, clean, pool),
            "calls": _replayed(suite, task, attacked, pool),
        }
        for injection in suite.injection_tasks.values():
            calls = _replayed(suite, injection, attacked.model_copy(deep=True), pool)
            if calls:
                yield {
                    "suite": name,
                    "task": task.ID,
                    "injection": injection.ID,
                    "goal": injection.GOAL,
                    "tools": wordings.get_tools_sequence(injection),
                    "calls": calls,
                }


def _replayed(suite: Any, task: Any, environment: Any, pool: list[Any]) -> list[dict[str, Any]]:
    from agentdojo.functions_runtime import FunctionsRuntime

    runtime = FunctionsRuntime(suite.tools)
    calls = []
    for call in task.ground_truth(environment):
        answer, error = runtime.run_function(environment, call.function, call.args)
        evidence = None if error else _evidence(call.function, answer)
        calls.append(
            {
                "kind": call.function,
                "args": _plain(call.args),
                "authority": list(AUTHORITY.get(call.function, OUTSIDE.get(call.function, ()))),
                "write": call.function in AUTHORITY,
                "effect": call.function in AUTHORITY or call.function in OUTSIDE,
                "answer": _pooled(pool, evidence),
            }
        )
    return calls


def _pooled(pool: list[Any], evidence: Any) -> int | None:
    if evidence is None:
        return None
    if evidence not in pool:
        pool.append(evidence)
    return pool.index(evidence)


def _evidence(tool: str, answer: Any) -> dict[str, Any] | None:
    """One answer as the gate's input lines hold it; None where it says nothing."""
    value = _structured(tool, _plain(answer))
    if tool in AUTHORITY:
        # What a write answers repeats what it was given; taking that for a record would launder it.
        value = {key: one for key, one in value.items() if key in ("id", "id_")} if isinstance(value, dict) else None
    if value in (None, "", [], {}):
        return None
    return {"name": tool, "value": value, "source": f"agentdojo:{tool}", "trust": _labels(tool)}


def _labels(tool: str) -> Any:
    from fnmatch import fnmatchcase

    if tool in AUTHORITY:
        return RECORD
    return next((LABELS[pattern] for pattern in _ORDER if fnmatchcase(tool, pattern)), UNTRUSTED)


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(key): _ordered(key, _plain(one)) for key, one in value.items() if key not in _MOVING}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _ordered(key: Any, value: Any) -> Any:
    # AgentDojo makes participants from a set, whose order changes from run to run.
    return sorted(value) if key == "participants" and isinstance(value, list) else value


def _structured(tool: str, value: Any) -> Any:
    """The travel agency's texts as the fields that they are made of."""
    if tool.startswith("get_all_") and isinstance(value, str):
        return [line.strip() for line in re.sub(r"^[\w ]+: ", "", value).splitlines() if line.strip()]
    if tool.startswith("get_rating_reviews"):
        return [{"name": name, "reviews": text} for name, text in value.items()]
    if isinstance(value, dict) and re.match(
        r"(get|check)_.*_(hotels?|restaurants?|city|rental|day|prices|address|options|available|hours)", tool
    ):
        return [{"name": name, "value": one} for name, one in value.items()]
    return value


if __name__ == "__main__":
    main(Path(sys.argv[1]))
