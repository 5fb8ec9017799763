"""Compares our judge with the rules of named peers on labelled watches; the peers are tuned first, on other watches."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.judging import kinds, tables
from benchmarks.judging.comparison import Comparison, overall
from benchmarks.judging.traces import FAMILIES, FORMAT, load
from benchmarks.judging.tuning import BUDGET

FULL, QUICK = 5000, 400
"""Watches per split, half of them of each family."""


def main() -> int:
    """Print the tables, and last the check rows: goal, measured, ok or short."""
    options = argparse.ArgumentParser(description=f"{__doc__}\n\n{FORMAT}", formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--quick", action="store_true", help="a few hundred watches")
    options.add_argument("--traces", type=Path, metavar="DIR", help="judge these labelled watches instead of made ones")
    options.add_argument("--json", type=Path, metavar="FILE", help="write the results there as well")
    given = options.parse_args()
    count, began = QUICK if given.quick else FULL, time.perf_counter()
    train = [kinds.drawn("train", number) for number in range(count)]
    test = load(given.traces) if given.traces else [kinds.drawn("test", number) for number in range(count)]
    results: dict[str, Any] = {"train": len(train), "test": len(test), "budget": BUDGET, "families": {}, "checks": []}
    compared = {}
    for family in FAMILIES:
        watches = [trace for trace in test if trace.family == family]
        if watches:
            compared[family] = Comparison(family, [trace for trace in train if trace.family == family], watches)
            results["families"][family] = compared[family].show()
    promised = []
    for family, one in compared.items():
        promised += tables.check(family, one.ours, one.challengers())
    if len(compared) > 1:
        promised += overall(list(compared.values()), results)
    print(f"\n## Checks ({len(test)} watches, peers tuned on {len(train)} others)\n")
    for text, kept in promised:
        print(text)
        results["checks"].append({"text": text, "kept": kept})
    print(f"\n{time.perf_counter() - began:.0f} s")
    if given.json:
        given.json.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
