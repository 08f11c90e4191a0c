# Sourced by run_all.sh and tests/run.sh: finds or makes a Python environment with requirements.txt.
# Uses the active virtual or conda environment if there is one, else .venv beside the code.
# Sets $python; needs $root, the repository's folder.

need_python='import sys; sys.exit(sys.version_info < (3, 11))'

if [ -n "${VIRTUAL_ENV:-}${CONDA_PREFIX:-}" ] && python -c "$need_python" 2>/dev/null; then
    python=$(command -v python)
else
    python="$root/.venv/bin/python"
    if [ ! -x "$python" ]; then
        base=
        for candidate in python3 python3.13 python3.12 python3.11 python; do
            if command -v "$candidate" >/dev/null && "$candidate" -c "$need_python" 2>/dev/null; then
                base=$candidate
                break
            fi
        done
        [ -n "$base" ] || { echo "error: Python 3.11 or newer is needed and none was found on PATH." >&2; exit 2; }
        echo "Making a virtual environment in .venv ($("$base" --version))"
        "$base" -m venv "$root/.venv" || {
            rm -rf "$root/.venv"
            echo "error: $base cannot make virtual environments; install its venv module (Debian: python3-venv)." >&2
            exit 2
        }
    fi
fi

# A stamp in the environment says which requirements it holds, so that the second run starts at once.
stamp="$("$python" -c 'import sys; print(sys.prefix)')/.msg-sarl-requirements"
if ! cmp -s "$root/requirements.txt" "$stamp"; then
    echo "Installing requirements.txt (about 5 GB with torch's CUDA libraries on Linux; minutes, once)"
    "$python" -m pip install --quiet --disable-pip-version-check -r "$root/requirements.txt" || {
        echo "error: pip could not install requirements.txt; see above. Run the same command again to go on." >&2
        exit 2
    }
    cp "$root/requirements.txt" "$stamp"
fi

# Notebooks run in their own folder, papermill in the caller's: both must find lib.
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
# Two processes that each start a thread per core slow each other down; notebooks run one at a time.
export PYTHONUNBUFFERED=1
