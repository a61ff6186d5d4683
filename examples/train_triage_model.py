"""Retrain the shipped triage model, or write the embedded company's ticket texts, from the public data.

    python examples/train_triage_model.py FOLDER --out agents/triage_model.npz
    python examples/train_triage_model.py FOLDER --texts connectors/company_texts.json

FOLDER holds `banking77/train.csv` and `clinc150/` with domains.json, train, val, oos_train and oos_val as JSONL.
"""

import argparse
import json
from pathlib import Path
from random import Random

from shiftlead.agents.text_data import Example
from shiftlead.agents.text_model import TextModel
from shiftlead.agents.text_scores import score
from shiftlead.agents.triage_corpus import build, company_texts, fill

SOURCE = {
    "about": "Help-desk utterances by intent that the shipped triage model never saw; slots in braces.",
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
    options.add_argument("--out", type=Path, help="where the model goes")
    options.add_argument("--texts", type=Path, help="where the company's texts go")
    given = options.parse_args()
    texts = company_texts(given.folder)
    if given.texts:
        given.texts.write_text(json.dumps({"_source": SOURCE, **texts}, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
        print(f"{given.texts}: {sum(map(len, texts.values()))} texts of {len(texts)} intents")
    if given.out:
        from shiftlead.agents.text_training import train

        model = train(build(given.folder), task="triage")
        model.save(given.out)
        random = Random(1)  # noqa: S311 - seeded on purpose
        unseen = [Example(text=fill(text, random), label=label) for label, listed in texts.items() for text in listed]
        print(f"{given.out}: {given.out.stat().st_size / 1e6:.2f} MB, held out {score(TextModel.load(given.out), unseen)}")


if __name__ == "__main__":
    main()
