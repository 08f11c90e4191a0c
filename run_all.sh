#!/usr/bin/env bash
# The whole study with one command: sets up Python, runs the notebooks in order, lists what was made.
#   ./run_all.sh [--profile quick] [--database NAME]... [--data DIR] [--only 03,06] [--refresh] [--check]
# Everything is kept: interrupt it and run it again, and it goes on where it was.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$root/lib/environment.sh"
exec "$python" -m lib run "$@"
