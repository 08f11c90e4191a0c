#!/usr/bin/env bash
# All tests: unit tests, then every notebook at the tiny profile (executed, marked cells compared), side by side.
#   tests/run.sh [PYTEST ARGUMENT]...      arguments go to the unit tests, e.g. -k recognition
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/lib/environment.sh"
cd "$root"

bash tests/install_browser.sh || echo "No browser: the user study's page will not be tested in one."

# One process per core, one thread each; each holds the libraries in memory, so that more than eight bring little.
jobs=$("$python" -c 'from lib.base.hardware import available_cores; print(min(8, available_cores()))')
export OMP_NUM_THREADS=1

echo "Unit tests, $jobs at a time"
# A module's tests stay together: they share what was trained for them.
"$python" -m pytest tests -q -n "$jobs" --dist loadscope --durations=8 "$@"
[ $# -eq 0 ] || exit 0  # a selection of unit tests was asked for

echo "The study at the tiny profile"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Runs of the test go to a scratch folder; the notebooks also read the committed scores of other studies.
find results -path results/tiny -prune -o -path '*/private' -prune -o \( -name '*.csv' -o -name '*.json' -o -name '*.jpg' \) -print |
    tar -cf - -T - | tar -xf - -C "$scratch"
export MSGSARL_PROFILE=tiny MSGSARL_DATABASE=portraits MSGSARL_RESULTS=$scratch/results TQDM_DISABLE=1
"$python" -c 'from lib.findings import study; study.complete("tiny", "portraits")'

echo "Notebooks at the tiny profile, $jobs at a time"
"$python" -m pytest -q -n "$jobs" --dist loadfile --nbval-lax --nbval-current-env --nbval-cell-timeout=600 \
    --nbval-kernel-startup-timeout=300 notebooks/*.ipynb
