"""Retrain the shipped triage brain, or write the embedded company's ticket texts, from the public data.

    python examples/train_triage_brain.py FOLDER --out agents/brain_triage
    python examples/train_triage_brain.py FOLDER --texts connectors/company_texts.json

FOLDER holds `banking77/train.csv` and `clinc150/` with domains.json, train, val, oos_train and oos_val as JSONL.
The brain's folder must be new or empty. The record on its card is of wordings in groups that the fit had not seen; the figures that are
printed are of the made-up company's texts, which no fit ever sees.
"""

import argparse
import json
from pathlib import Path
from random import Random

from shiftlead.agents.brain_card import About, languages_of, save_with
from shiftlead.agents.brain_record import Record
from shiftlead.agents.text_data import Example
from shiftlead.agents.text_heads import TIERS
from shiftlead.agents.text_scores import outcomes, score, scored
from shiftlead.agents.text_training import split, train
from shiftlead.agents.triage_corpus import build, company_texts, fill

SOURCE = {
    "about": "Help-desk utterances by intent that the shipped triage brain never saw; slots in braces.",
    "licence": "Own templates: Apache-2.0. Banking77: CC BY 4.0. CLINC150: CC BY 3.0.",
    "attribution": (
        "Banking77 by PolyAI Limited (Casanueva et al. 2020), github.com/PolyAI-LDN/task-specific-datasets; "
        "CLINC150 by Larson et al. 2019, github.com/clinc/oos-eval. Grouped into other intents, a part taken."
    ),
}


def main() -> None:
    """Read the options and do what they say."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--out", type=Path, help="where the brain goes")
    options.add_argument("--texts", type=Path, help="where the company's texts go")
    given = options.parse_args()
    texts = company_texts(given.folder)
    if given.texts:
        given.texts.write_text(json.dumps({"_source": SOURCE, **texts}, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
        print(f"{given.texts}: {sum(map(len, texts.values()))} texts of {len(texts)} intents")
    if given.out:
        _train(given.folder, given.out, texts)


def _train(folder: Path, out: Path, texts: dict[str, list[str]]) -> None:
    examples = build(folder)
    fit, apart = split(examples, Random(0))  # noqa: S311 - seeded on purpose
    judged = [examples[place] for place in apart]
    trial = train([examples[place] for place in fit], task="triage")
    predictions = trial.predict_many([one.text for one in judged])
    found = outcomes(predictions, judged)
    pairs = zip(map(float, found.confidence), map(bool, found.right), strict=True)
    record = Record.of(f"{len(judged)} wordings in groups that the fit had not seen", pairs)
    figures = {name: round(value, 4) for name, value in scored(predictions, judged).model_dump(exclude_none=True).items()}
    brain = train(examples, task="triage")
    data = "Banking77, CLINC150 and own templates: agents/triage_public.jsonl.gz, agents/triage_utterances.yaml"
    about = About(data=data, languages=languages_of([one.text for one in examples]), record=record)
    save_with(brain, about, out)
    random = Random(1)  # noqa: S311 - seeded on purpose
    unseen = [Example(text=fill(text, random), label=label) for label, listed in texts.items() for text in listed]
    print(f"unseen groups: {figures}")
    for tier in TIERS:
        print(f"the company's texts, {tier}: {score(brain.in_tier(tier), unseen)}")
    print(f"{out}: {brain.name}, {sum(one.stat().st_size for one in out.iterdir()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
