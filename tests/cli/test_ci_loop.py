"""The loop of examples/ci/retrieval.yml: a baseline from one copy of a folder, a pull request on another copy."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shortlist.cli.app import app
from shortlist.evaluation.saved import load

WORKFLOW = Path(__file__).resolve().parent.parent.parent / "examples" / "ci" / "retrieval.yml"
CHEAP = {"add": ["--bi-encoder", "hashed-64"], "evaluate": ["--no-rerank"]}
TOPICS = ("cats sleep in baskets", "dogs bark at trains", "tax is due in april", "bread needs a long rest")
FORMS = {
    "snippets": "query,snippet\n" + "".join(f"{words[:9]},{words}\n" for words in TOPICS),
    "documents": "query,relevant\n" + "".join(f"{words[:9]},docs/n{i}.md\n" for i, words in enumerate(TOPICS)),
    "passages": "query,relevant\n" + "".join(f"{words[:9]},docs/n{i}.md#0\n" for i, words in enumerate(TOPICS)),
}


def commands(*, baseline: bool) -> list[list[str]]:
    """The workflow's own commands, as it says to change them for making the baseline."""
    text = re.sub(r"\n {10}", " ", WORKFLOW.read_text(encoding="utf-8").replace("$GITHUB_STEP_SUMMARY", "summary.md"))
    found = [shlex.split(line)[1:] for line in re.findall(r"(?:run: |>- )(shortlist .*)", text)]
    assert [one[0] for one in found] == ["add", "evaluate"]
    if baseline:
        evaluate = " ".join(map(shlex.quote, found[1])).replace("evaluation/now.json", "evaluation/baseline.json")
        evaluate = evaluate.replace("--baseline evaluation/baseline.json", "")
        found[1] = shlex.split(re.sub(r"--fail-if '[^']*'", "", evaluate))
    return [[*one, *CHEAP[one[0]]] for one in found]


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, *, baseline: bool = False) -> tuple[int, str]:
    monkeypatch.chdir(folder)
    for command in commands(baseline=baseline):
        done = CliRunner().invoke(app, command)
        if isinstance(done.exception, Exception) and not isinstance(done.exception, SystemExit):
            raise done.exception
        if done.exit_code:
            break
    return done.exit_code, done.output


def copied(folder: Path, queries: str) -> Path:
    (folder / "docs").mkdir(parents=True)
    (folder / "evaluation").mkdir()
    for number, words in enumerate(TOPICS):
        (folder / "docs" / f"n{number}.md").write_text(
            f"# note {number}\n\n{words}. " + f"filler {number} words. " * 40
        )
    (folder / "evaluation" / "queries.csv").write_text(queries)
    return folder


@pytest.mark.parametrize("form", FORMS)
def test_a_baseline_from_another_copy_is_compared(tmp_path, monkeypatch, form):
    mine = copied(tmp_path / "mine", FORMS[form])
    assert run(mine, monkeypatch, baseline=True)[0] == 0
    theirs = copied(tmp_path / "runner" / "work", FORMS[form])
    kept = (mine / "evaluation" / "baseline.json").read_text()
    (theirs / "evaluation" / "baseline.json").write_text(kept)
    code, shown = run(theirs, monkeypatch)
    assert (code, "passed: fail if nDCG@10 < -0.01" in shown) == (0, True), shown
    assert "passed" in (theirs / "summary.md").read_text()
    assert "mine" not in json.dumps(json.loads(kept)["evaluations"][0]["outcomes"])


def test_a_paragraph_added_and_an_answer_lost_are_measured_not_refused(tmp_path, monkeypatch):
    mine = copied(tmp_path / "mine", FORMS["snippets"])
    run(mine, monkeypatch, baseline=True)
    theirs = copied(tmp_path / "theirs", FORMS["snippets"])
    (theirs / "evaluation" / "baseline.json").write_text((mine / "evaluation" / "baseline.json").read_text())
    first = theirs / "docs" / "n0.md"
    first.write_text("# before\n\n" + "a new paragraph before all. " * 60 + "\n\n" + first.read_text())
    code, shown = run(theirs, monkeypatch)
    assert (code, "passed: fail if" in shown) == (0, True), shown
    before, now = (load(theirs / "evaluation" / f"{name}.json")[0] for name in ("baseline", "now"))
    assert before.fingerprint == now.fingerprint
    assert before.outcomes[0].top[0] != now.outcomes[0].top[0]
    for number in range(20):
        crowd = f"{TOPICS[1][:9]} {TOPICS[2][:9]} {TOPICS[3][:9]} " * 3
        (theirs / "docs" / f"crowd{number}.md").write_text(f"# {crowd}\n\n{crowd} {number}\n")
    code, shown = run(theirs, monkeypatch)
    assert (code, "FAILED: fail if nDCG@10 < -0.01" in shown) == (1, True), shown
