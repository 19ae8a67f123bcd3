#!/usr/bin/env bash
# Looks for known vulnerabilities in what the programs really call.
#
# The entries come from the Go vulnerability database as a module of a pinned version,
# so that a run needs nothing but the module proxy, and the same commit has the same
# result on any day. Newer entries come in with a newer pin:
#   go list -m golang.org/x/vulndb@latest
set -euo pipefail

VULNDB=v0.0.0-20261105234957-e22db6528018

root=$(cd "$(dirname "$0")/.." && pwd)
database=$root/.tools/vulndb-$VULNDB

if [ ! -e "$database/index/db.json" ]; then
	# Outside the project, whose go.mod has no use for it.
	folder=$(cd / && GOFLAGS='' go mod download -json "golang.org/x/vulndb@$VULNDB" |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["Dir"])') || {
		echo "vulns: the vulnerability database cannot be had from the module proxy" >&2
		exit 1
	}
	rm -rf "$root"/.tools/vulndb-*
	python3 - "$folder/data/osv" "$database" <<'PYTHON'
"""Writes the files that govulncheck reads (go.dev/doc/security/vuln/database#api)."""
import json, os, sys

entries, database = sys.argv[1:]
modules, newest = {}, ""
os.makedirs(database + "/ID")
os.makedirs(database + "/index")
for name in sorted(os.listdir(entries)):
    with open(os.path.join(entries, name)) as f:
        entry = json.load(f)
    with open(os.path.join(database, "ID", name), "w") as f:
        json.dump(entry, f)
    newest = max(newest, entry["modified"])
    for affected in entry.get("affected", []):
        fixed = ""
        for r in affected.get("ranges", []):
            for event in r["events"]:
                fixed = event.get("fixed", fixed)
        vulns = modules.setdefault(affected["package"]["name"], {})
        vulns[entry["id"]] = {"id": entry["id"], "modified": entry["modified"], **({"fixed": fixed} if fixed else {})}
if len(modules) < 1000 or "stdlib" not in modules:
    sys.exit(f"vulns: the database has entries of {len(modules)} modules only")
with open(database + "/index/modules.json", "w") as f:
    json.dump([{"path": path, "vulns": list(vulns.values())} for path, vulns in sorted(modules.items())], f)
with open(database + "/index/db.json", "w") as f:
    json.dump({"modified": newest}, f)
PYTHON
fi

echo "vulns: entries up to $(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["modified"][:10])' "$database/index/db.json")"
cd "$root"
exec .tools/bin/govulncheck -db "file://$database" "$@" ./...
