"""The loop of examples/ci/retrieval.yml: a baseline from one copy of a folder, a pull request on another copy."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

import command_line
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
    """The workflow's own commands, changed as it says for making the baseline."""
    text = re.sub(r"\n {10}", " ", WORKFLOW.read_text(encoding="utf-8").replace("$GITHUB_STEP_SUMMARY", "summary.md"))
    lines = [shlex.split(line)[1:] for line in re.findall(r"(?:run: |>- )(shortlist .*)", text)]
    assert [line[0] for line in lines] == ["add", "evaluate"]
    if baseline:
        evaluate = " ".join(map(shlex.quote, lines[1])).replace("evaluation/now.json", "evaluation/baseline.json")
        evaluate = evaluate.replace("--baseline evaluation/baseline.json", "")
        lines[1] = shlex.split(re.sub(r"--fail-if '[^']*'", "", evaluate))
    return [[*line, *CHEAP[line[0]]] for line in lines]


def run(folder: Path, *, baseline: bool = False) -> tuple[int, str]:
    """The exit code of the last command, and what it printed."""
    add, evaluate = commands(baseline=baseline)
    command_line.run(*add, cwd=folder)
    result = command_line.run(*evaluate, cwd=folder, code=None)
    return result.code, result.out + result.err


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
def test_a_baseline_from_another_copy_is_compared(tmp_path, form):
    mine = copied(tmp_path / "mine", FORMS[form])
    assert run(mine, baseline=True)[0] == 0
    theirs = copied(tmp_path / "runner" / "work", FORMS[form])
    kept = (mine / "evaluation" / "baseline.json").read_text()
    (theirs / "evaluation" / "baseline.json").write_text(kept)
    code, shown = run(theirs)
    assert (code, "passed: fail if nDCG@10 < -0.01" in shown) == (0, True), shown
    assert "passed" in (theirs / "summary.md").read_text()
    assert "mine" not in json.dumps(json.loads(kept)["evaluations"][0]["outcomes"])


def test_a_paragraph_added_and_an_answer_lost_are_measured_not_refused(tmp_path):
    mine = copied(tmp_path / "mine", FORMS["snippets"])
    run(mine, baseline=True)
    theirs = copied(tmp_path / "theirs", FORMS["snippets"])
    (theirs / "evaluation" / "baseline.json").write_text((mine / "evaluation" / "baseline.json").read_text())
    first = theirs / "docs" / "n0.md"
    first.write_text("# before\n\n" + "a new paragraph before all. " * 60 + "\n\n" + first.read_text())
    code, shown = run(theirs)
    assert (code, "passed: fail if" in shown) == (0, True), shown
    before, now = (load(theirs / "evaluation" / f"{name}.json")[0] for name in ("baseline", "now"))
    assert before.fingerprint == now.fingerprint
    assert before.outcomes[0].top[0] != now.outcomes[0].top[0]
    for number in range(20):
        crowd = f"{TOPICS[1][:9]} {TOPICS[2][:9]} {TOPICS[3][:9]} " * 3
        (theirs / "docs" / f"crowd{number}.md").write_text(f"# {crowd}\n\n{crowd} {number}\n")
    code, shown = run(theirs)
    assert (code, "FAILED: fail if nDCG@10 < -0.01" in shown) == (1, True), shown
