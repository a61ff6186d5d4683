"""`shiftlead brain`: train, predict, show and compare, on texts and on invoices."""

import json
import re
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

import shiftlead.agents

TEXTS = {"refund": "please refund {} now", "shipping": "where is parcel {}", "password": "reset my password for {}"}
WORDS = ("anna", "berlin", "cola", "delta", "eve", "four", "golf", "house")


def examples(name="label", words=WORDS):
    return [{"text": text.format(word), name: label} for label, text in TEXTS.items() for word in words]


def written(path: Path, rows) -> str:
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return str(path)


def lines(path: Path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def bills(count=120, customers=6):
    """Invoices of customers who pay in time, and of some who pay late."""
    start = date(2026, 1, 1)
    for place in range(count):
        who, issued = place % customers, start + timedelta(days=place)
        due = issued + timedelta(days=20)
        delay = (12 if who % 2 else -6) + (place * 7) % 11 - 5
        yield {
            "id": f"I-{place}", "customerID": f"C-{who}", "InvoiceDate": issued.isoformat(), "DueDate": due.isoformat(),
            "SettledDate": (due + timedelta(days=delay)).isoformat(), "InvoiceAmount": f"{100 + place}.50",
            "Disputed": "Yes" if place % 9 == 0 else "No", "PaperlessBill": "Paper" if place % 4 == 0 else "Electronic",
        }  # fmt: skip


@pytest.fixture(scope="module")
def brain(tmp_path_factory):
    """A brain of 24 texts, trained once for this module."""
    from typer.testing import CliRunner

    from shiftlead.console.cli import app

    folder = tmp_path_factory.mktemp("brains")
    data = written(folder / "data.jsonl", examples())
    result = CliRunner().invoke(app, ["brain", "train", "--data", data, "--out", str(folder / "brain")])
    assert result.exit_code == 0, result.output
    return folder / "brain"


def test_a_brain_is_trained_and_asked(tmp_path, run, told):
    data, folder, asked = tmp_path / "data.jsonl", tmp_path / "brain", tmp_path / "asked.jsonl"
    rows = [*examples("label")[::3], *examples("intent")[1::3], *examples("category")[2::3]]
    data.write_text("".join(json.dumps(one) + "\n" for one in rows) + "oops\n")
    trained = told("brain", "train", "--data", str(data), "--out", str(folder))
    assert (trained["labels"], trained["examples"], len(trained["problems"])) == (3, 24, 1)
    asked.write_text('{"text": "where is parcel 9", "id": "t-1"}\n\n{"text": ""}\n{"text": "reset my password for me"}\n')
    result = run("brain", "predict", "--brain", str(folder), "--input", str(asked))
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(one["id"], one["label"]) for one in found] == [("t-1", "shipping"), (4, "password")]
    assert all(set(one) == {"id", "label", "confidence"} and 0 <= one["confidence"] <= 1 for one in found)
    assert "line 3: field 'text'" in result.stderr


@pytest.mark.parametrize("option", ["--val", "--validation"])
def test_a_brain_reads_csv_and_writes_a_file(option, tmp_path, run, told):
    data, folder, asked, out = (tmp_path / name for name in ("data.csv", "brain", "asked.csv", "out.jsonl"))
    data.write_text("text,category\n" + "".join(f"{one['text']},{one['label']}\n" for one in examples()))
    unseen = tmp_path / "unseen.csv"
    unseen.write_text("text,category\n" + "".join(f"now {one['text']},{one['label']}\n" for one in examples()))
    assert "nothing but texts that are learnt" in run(
        "brain", "train", "--data", str(data), "--out", str(folder), option, str(data), code=2
    ).stderr  # fmt: skip
    run("brain", "train", "--data", str(data), "--out", str(folder), option, str(unseen))
    assert told("brain", "show", str(folder))["record"]["cases"] == 24
    asked.write_text('id,text\n7,"please, refund z now"\nshort\n')
    result = run("brain", "predict", "--brain", str(folder), "--input", str(asked), "--output", str(out))
    assert [(one["id"], one["label"]) for one in lines(out)] == [("7", "refund")]
    assert "line 3" in result.stderr
    assert not list(tmp_path.glob(".*.part"))
    (tmp_path / "half.jsonl").write_text(r'{"text": "refund z now", "id": "\ud800"}')
    run("brain", "predict", "--brain", str(folder), "--input", str(tmp_path / "half.jsonl"), "--output", str(out))
    assert [one["id"] for one in lines(out)] == ["\ud800"]
    before = asked.read_text()
    given = ("--brain", str(folder), "--input", str(asked), "--output", str(asked))
    assert "the very file that is read" in run("brain", "predict", *given, code=2).stderr
    assert asked.read_text() == before


def test_what_is_there_is_not_written_over(tmp_path, brain, run):
    data = written(tmp_path / "data.jsonl", examples())
    before = {path.name: path.read_bytes() for path in brain.iterdir()}
    assert "not empty" in run("brain", "train", "--data", data, "--out", str(brain), code=4).stderr
    assert {path.name: path.read_bytes() for path in brain.iterdir()} == before


def test_an_unknown_task_is_refused_before_anything_is_read(tmp_path, run):
    given = ("--data", "/nowhere.jsonl", "--out", str(tmp_path / "brain"), "--task", "poetry")
    assert "triage, reply, lateness" in run("brain", "train", *given, code=2).stderr
    (tmp_path / "in.jsonl").write_text('{"text": "x"}\n')
    asked = ("--input", str(tmp_path / "in.jsonl"), "--task", "poetry")
    assert "no task of a brain" in run("brain", "predict", *asked, code=2).stderr


@pytest.mark.parametrize(("text", "says"), [("a,b\n1,2\n", "no column `text`"), ("text\n", "no line could be used")])
def test_nothing_to_predict(text, says, tmp_path, brain, run):
    (tmp_path / "in.csv").write_text(text)
    assert says in run("brain", "predict", "--brain", str(brain), "--input", str(tmp_path / "in.csv"), code=2).stderr


def test_a_file_that_is_no_brain(tmp_path, run):
    (tmp_path / "m.npz").write_text("no")
    (tmp_path / "in.jsonl").write_text('{"text": "x"}\n')
    given = ("brain", "predict", "--brain", str(tmp_path / "m.npz"), "--input", str(tmp_path / "in.jsonl"))
    assert "a brain is a folder" in run(*given, code=2).stderr
    assert "a brain is a folder" in run("brain", "show", str(tmp_path / "m.npz"), code=2).stderr


def test_a_damaged_brain_answers_nothing(tmp_path, run):
    data, folder = written(tmp_path / "data.jsonl", examples()), tmp_path / "brain"
    run("brain", "train", "--data", data, "--out", str(folder))
    head = folder / "ngrams.npz"
    head.write_bytes(head.read_bytes()[:-1] + b"!")
    assert "damaged" in run("brain", "predict", "--brain", str(folder), "--input", data, code=2).stderr


def test_a_brain_of_another_task_is_refused(tmp_path, brain, run):
    data = written(tmp_path / "in.jsonl", examples())
    given = ("brain", "predict", "--brain", str(brain), "--task", "reply", "--input", data)
    assert "'triage', not for 'reply'" in run(*given, code=2).stderr


def test_the_shipped_reply_brain_reads_replies(tmp_path, run):
    asked = written(
        tmp_path / "in.jsonl",
        [
            {"id": "a", "text": "We will transfer 500 EUR on Friday."},
            {"id": "b", "text": "I am out of the office until Monday."},
            {"id": "c", "text": "An insolvency administrator has been appointed."},
        ],
    )
    found = run("brain", "predict", "--task", "reply", "--input", asked).stdout.splitlines()
    assert [json.loads(line)["label"] for line in found] == ["promise", "out_of_office", "bankruptcy"]


def test_only_the_customers_own_words_are_read(tmp_path, run):
    """Our reminder under the answer speaks of disputes and payment; the customer does not."""
    words = "I am out of the office until Monday."
    mail = f"Hello,\n{words}\nBest regards\nAnna\n\nOn Mon, 14 Sep 2026, we wrote:\n> please pay or dispute the invoice"
    asked = written(tmp_path / "in.jsonl", [{"text": words}, {"text": mail}])
    plain, framed = run("brain", "predict", "--task", "reply", "--input", asked).stdout.splitlines()
    assert json.loads(plain) | {"id": 2} == json.loads(framed)


def test_a_plainer_tier_says_so(tmp_path, brain, run, monkeypatch):
    from shiftlead.agents import text_brain
    from shiftlead.core.errors import SettingsError

    def absent():
        raise SettingsError("onnxruntime is not installed.", hint="Install it.")

    asked = written(tmp_path / "in.jsonl", [{"text": "where is parcel 9"}])
    named = run("brain", "show", str(brain)).stdout
    monkeypatch.setattr(text_brain, "encoder", absent)
    result = run("brain", "predict", "--brain", str(brain), "--input", asked)
    assert "onnxruntime is not installed" in result.stderr
    assert json.loads(result.stdout)["label"] == "shipping"
    plainer = run("brain", "show", str(brain))
    assert "onnxruntime is not installed" in plainer.stderr
    assert plainer.stdout.splitlines()[0] != named.splitlines()[0]


def test_the_card_says_what_it_is_and_what_it_is_not_for(brain, run, told):
    card = told("brain", "show", str(brain))
    assert card["name"] == f"triage-{card['digest'][:12]}"
    assert card["size_bytes"] == sum(path.stat().st_size for path in brain.iterdir())
    assert (card["data"], card["examples"], sorted(card["labels"])) == ("data.jsonl", 24, sorted(TEXTS))
    assert any("8 texts per label" in one for one in card["limits"])
    text = run("brain", "show", str(brain)).stdout
    for part in (card["digest"], card["data_digest"], "Limits:", "Apache-2.0", "data.jsonl"):
        assert part in text


class Page(HTMLParser):
    """What a page asks for, and its texts."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.asked += [str(value) for name, value in attrs if name in {"src", "href", "data", "action"}]

    def handle_data(self, data):
        self.text += data


def test_the_page_needs_nothing_else_and_reads_without_eyes(tmp_path, run):
    page = tmp_path / "card.html"
    run("brain", "show", "--task", "reply", "--html", str(page))
    read = Page()
    read.feed(page.read_text(encoding="utf-8"))
    assert read.asked == []
    assert "script" not in read.tags
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", page.read_text(encoding="utf-8"))
    assert read.tags.count("svg") == read.tags.count("desc") == 2
    assert "with at most 5% wrong" in read.text
    assert "Intended use" in read.text


def test_a_brain_beside_itself_is_the_same(brain, run, told):
    assert "The two are the same." in run("brain", "compare", str(brain), str(brain)).stdout
    assert told("brain", "compare", str(brain), str(brain)) | {"first": "", "second": ""} == {
        "first": "", "second": "", "changes": [], "result": None,
    }  # fmt: skip


def test_two_brains_on_the_same_texts(tmp_path, brain, run, told):
    worse = tmp_path / "worse"
    swapped = {"refund": "shipping", "shipping": "refund", "password": "password"}
    data = written(tmp_path / "swapped.jsonl", [{**one, "label": swapped[one["label"]]} for one in examples()])
    run("brain", "train", "--data", data, "--out", str(worse))
    judged = written(tmp_path / "judge.jsonl", examples(words=("ink", "jam", "kiwi", "lamp", "mint", "nest")))
    found = told("brain", "compare", str(brain), str(worse), "--data", judged)
    assert found["result"]["verdict"] == "worse"
    assert found["result"]["figures"]["n"] == 18
    assert {one["label"] for one in found["result"]["labels"]} == {"refund", "shipping"}
    assert "data_digest" in {one["name"] for one in found["changes"]}
    text = run("brain", "compare", str(brain), str(worse), "--data", judged).stdout
    assert "B is worse" in text
    assert "exact McNemar p = 0.000" in text


def test_brains_of_two_tasks_are_not_compared(brain, run):
    reply = Path(shiftlead.agents.__file__).parent / "brain_reply"
    assert "Compare brains of one task" in run("brain", "compare", str(brain), str(reply), code=2).stderr
    assert "compared with itself" in run("brain", "compare", "shipped", "shipped", code=2).stderr


def test_lateness_is_learnt_and_forecast(tmp_path, run, told):
    rows = list(bills())
    data, folder = tmp_path / "bills.jsonl", tmp_path / "late"
    data.write_text("".join(json.dumps(one) + "\n" for one in rows) + '{"customerID": "C-1", "InvoiceDate": "soon"}\n')
    trained = told("brain", "train", "--task", "lateness", "--data", str(data), "--out", str(folder))
    assert (trained["examples"], len(trained["problems"])) == (120, 1)
    assert "line 121, field 'InvoiceDate'" in trained["problems"][0]
    issued = {"InvoiceDate": "2026-06-01", "DueDate": "2026-06-21", "InvoiceAmount": "150.00", "SettledDate": ""}
    asked = written(tmp_path / "open.jsonl", [{"id": f"Q-{who}", "customerID": f"C-{who}", **issued} for who in range(6)])
    found = [json.loads(line) for line in run("brain", "predict", "--brain", str(folder), "--input", asked).stdout.splitlines()]
    assert all(set(one) == {"id", "p_late", "expected_days_late"} and 0 <= one["p_late"] <= 1 for one in found)
    late = {one["id"]: one["p_late"] for one in found}
    assert max(late[f"Q-{who}"] for who in (0, 2, 4)) < min(late[f"Q-{who}"] for who in (1, 3, 5))
    shown = run("brain", "show", str(folder)).stdout
    assert "paid late" in shown.lower()
    assert "hashes of the customers' ids" in shown
    assert "C-1" not in (folder / "customers.json").read_text()
    compared = told("brain", "compare", "shipped", str(folder), "--data", str(data))
    assert compared["result"]["figures"]["n"] == 120


def test_lateness_needs_enough_paid_invoices(tmp_path, run):
    data = written(tmp_path / "bills.jsonl", list(bills(count=30)))
    given = ("brain", "train", "--task", "lateness", "--data", data, "--out", str(tmp_path / "late"))
    assert "too few" in run(*given, code=2).stderr
    assert not (tmp_path / "late").exists()
