# ruff: noqa: INP001
"""Write docs/console.svg: the console as it opens on a workspace, drawn by the console itself.

`python docs/make_screenshot.py WORKSPACE [OUTPUT] [--size 120x36] [--keys j,j,a]`
"""

import argparse
import asyncio
import re
import sys
from pathlib import Path

from shiftlead.console.app import ConsoleApp
from shiftlead.console.cli_console import guides
from shiftlead.console.cli_session import Session
from shiftlead.guardrails.approvals import Approvals

FONT = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"


async def picture(app: ConsoleApp, size: tuple[int, int], keys: list[str]) -> str:
    """The screen after `keys`, as SVG that fetches nothing."""
    async with app.run_test(size=size) as pilot:
        await idle(app, pilot)
        for key in keys:
            await pilot.press(key)
            await idle(app, pilot)
        drawn = app.export_screenshot(title="shiftlead console")
    drawn = re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL)
    return re.sub(r"font-family: ?[^;]*Fira Code[^;]*;", f"font-family: {FONT};", drawn)


async def idle(app: ConsoleApp, pilot) -> None:  # noqa: ANN001
    """Until nothing is being read or written."""
    while pending := [one for one in app.workers if not one.is_finished]:
        await app.workers.wait_for_complete(pending)
    await pilot.pause()


def main() -> None:
    """Read the options, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("output", type=Path, nargs="?", default=Path(__file__).with_name("console.svg"))
    parser.add_argument("--size", default="120x36")
    parser.add_argument("--keys", default="")
    parser.add_argument("--as", dest="who", default=None)
    options = parser.parse_args()
    session = Session(workspace=options.workspace, who=options.who)
    width, height = map(int, options.size.split("x"))
    ledger = session.place.open_ledger()
    app = ConsoleApp(
        ledger,
        session.policy,
        operator=session.operator,
        approvals=Approvals.of(session.place, ledger, session.policy),
        title=session.place.folder.name,
        guides=guides(session),
    )
    drawn = asyncio.run(picture(app, (width, height), [key for key in options.keys.split(",") if key]))
    options.output.write_text(drawn, encoding="utf-8")
    ledger.close()
    sys.stdout.write(f"wrote {options.output}\n")


if __name__ == "__main__":
    main()
