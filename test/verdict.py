"""Reads `go test -json` from standard input and tells what a person needs:
packages as they end, the whole output of tests that failed, and tests that were
skipped. Exits 1 where a test was skipped: here every engine is there."""

import collections
import json
import sys

output = collections.defaultdict(list)
skipped = []
for line in sys.stdin:
    try:
        event = json.loads(line)
    except ValueError:
        print(line, end="")  # a build error
        continue
    test, action = event.get("Test"), event["Action"]
    key = (event.get("Package"), test)
    if action in ("output", "build-output"):
        output[key].append(event["Output"])
        continue
    if test is None:
        if action in ("pass", "fail", "skip"):
            print("".join(output.pop(key, [])) if action == "fail" else f"{action}\t{event['Package']}\t{event.get('Elapsed', 0):.1f} s", flush=True)
    elif action == "fail":
        print("".join(output.pop(key, [])), end="", flush=True)
    elif action == "skip":
        skipped.append((key, "".join(output.pop(key, []))))
    elif action == "pass":
        output.pop(key, None)
for (package, test), text in skipped:
    print(f"skipped: {package} {test}\n{text}", file=sys.stderr)
sys.exit(1 if skipped else 0)
