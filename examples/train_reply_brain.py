"""Retrain the shipped reply brain from its own wordings, and measure it on what the embedded company's customers write.

    python examples/train_reply_brain.py --out agents/brain_reply

The folder must be new or empty. The record on its card is of five fits, each judged on the families that it was not given.
"""

import argparse
from pathlib import Path

from shiftlead.agents.brain_card import About, languages_of, save_with
from shiftlead.agents.reply_corpus import examples_of, unseen, wordings
from shiftlead.agents.reply_training import train_reply
from shiftlead.agents.text_scores import score


def main() -> None:
    """Read the options and do what they say."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, required=True, help="where the brain goes")
    given = options.parse_args()
    examples = examples_of(wordings())
    brain, record = train_reply(examples)
    about = About(data="reply_utterances.yaml", languages=languages_of([one.text for one in examples]), record=record)
    save_with(brain, about, given.out)
    print(f"families it had not seen: {brain.meta.scores}")
    print(f"the company's customers: {score(brain, examples_of(unseen(), seed=1))}")
    print(f"{given.out}: {brain.name}, {sum(one.stat().st_size for one in given.out.iterdir()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
