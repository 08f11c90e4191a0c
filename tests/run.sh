#!/usr/bin/env bash
# All tests: unit tests, then every notebook at the tiny profile (executed, marked cells compared).
#   tests/run.sh [PYTEST ARGUMENT]...      arguments go to the unit tests, e.g. -k recognition
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/lib/environment.sh"
cd "$root"

bash tests/install_browser.sh || echo "No browser: the user study's page will not be tested in one."

echo "Unit tests"
"$python" -m pytest tests -q --durations=8 "$@"
[ $# -eq 0 ] || exit 0  # a selection of unit tests was asked for

echo "Notebooks at the tiny profile"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Runs of the test go to a scratch folder; the notebooks also read the committed scores of other studies.
find results -path results/tiny -prune -o -path '*/private' -prune -o \( -name '*.csv' -o -name '*.json' \) -print |
    tar -cf - -T - | tar -xf - -C "$scratch"
MSGSARL_PROFILE=tiny MSGSARL_DATABASE=portraits MSGSARL_RESULTS=$scratch/results TQDM_DISABLE=1 \
    "$python" -m pytest -q --nbval-lax --nbval-current-env --nbval-cell-timeout=600 notebooks/*.ipynb
