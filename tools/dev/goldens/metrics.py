"""python tools/dev/goldens/metrics.py: makes tools/dev/eval/testdata/metrics.json.

What pytrec_eval, which mteb and the ViDoRe leaderboard use, makes of random rankings
with equal scores and with grades from -1 to 3. It needs pytrec-eval-terrier and no more.
"""

import json
import random
from importlib.metadata import version
from pathlib import Path

import pytrec_eval

OUT = Path(__file__).resolve().parents[1] / "eval" / "testdata" / "metrics.json"
METRICS = ("ndcg_cut_5", "recall_1", "recall_5", "recall_10", "recip_rank")


def main() -> None:
    chance = random.Random(5)
    cases = []
    for number in range(40):
        pages = [f"p{i}" for i in range(1 + number)]
        grades = {page: chance.choice((-1, 0, 1, 1, 2, 3)) for page in pages if chance.random() < 0.4}
        # Quarters are exact in float32, and many of them are equal.
        scores = {page: chance.randrange(20) / 4 for page in pages}
        if not any(grade > 0 for grade in grades.values()):
            continue
        judge = pytrec_eval.RelevanceEvaluator({"q": grades}, set(METRICS))
        found = judge.evaluate({"q": scores})["q"]
        cases.append({"grades": grades, "scores": scores, "metrics": [found[name] for name in METRICS]})
    OUT.parent.mkdir(exist_ok=True)
    golden = {"versions": {"pytrec-eval-terrier": version("pytrec-eval-terrier")}, "metrics": METRICS, "cases": cases}
    OUT.write_text(json.dumps(golden).replace('{"grades"', '\n{"grades"') + "\n")


if __name__ == "__main__":
    main()
