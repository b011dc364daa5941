#!/bin/sh
# Is the unit one that systemd 252 takes without a warning, and does it expose no more than 1.5 of 10?
# Exit 0 yes, 1 no, 77 systemd-analyze is missing (skipped).
set -eu

unit=$(cd "$(dirname "$0")/.." && pwd)/systemd/araldo.service
limit=1.5

command -v systemd-analyze >/dev/null || { echo "systemd-analyze is missing: skipped" >&2; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# verify wants programs and users that exist: any will do.
true_path=$(command -v true)
sed -e "s|/usr/bin/araldo|$true_path|" -e 's|^User=.*|User=root|' -e 's|^Group=.*|Group=root|' \
    -e '/^Documentation=man:/d' "$unit" >"$work/araldo.service"
said=$(systemd-analyze verify --man=no "$work/araldo.service" 2>&1 | grep -F "$work/araldo.service" || true)
if [ -n "$said" ]; then
    echo "systemd-analyze verify says:" >&2
    echo "$said" >&2
    exit 1
fi

cp "$unit" "$work/araldo.service"
score=$(systemd-analyze security --offline=true "$work/araldo.service" |
    sed -n 's/.*exposure level for .*: *\([0-9.]*\).*/\1/p')
[ -n "$score" ] || { echo "systemd-analyze security gave no score" >&2; exit 1; }
if ! awk -v score="$score" -v limit="$limit" 'BEGIN { exit !(score <= limit) }'; then
    echo "exposure is $score, and must be at most $limit" >&2
    systemd-analyze security --offline=true "$work/araldo.service" | grep '✗' >&2
    exit 1
fi
echo "systemd/araldo.service: exposure $score"
