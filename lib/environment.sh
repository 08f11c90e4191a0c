# Sourced by run_all.sh and tests/run.sh: finds or makes a Python environment with requirements.txt.
# Uses the active virtual or conda environment if there is one, else .venv beside the code.
# Sets $python; needs $root, the repository's folder.

# The pinned packages, torch above all, are built for Python 3.11 to 3.14.
usable() {
    command -v "$1" >/dev/null && "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null
}
stop() {
    echo "error: $*" >&2
    exit 2
}

case $root in
    *:*) stop "$root: PYTHONPATH cannot hold a folder with a colon in its name. Move or rename it." ;;
esac

active=${VIRTUAL_ENV:-${CONDA_PREFIX:-}}
if [ -n "$active" ] && usable python; then
    python=$(command -v python)
else
    [ -z "$active" ] || echo "$active has no Python 3.11 to 3.14; using .venv instead."
    python="$root/.venv/bin/python"
    if ! usable "$python"; then  # absent, half made, or made by a Python that is gone
        base=
        for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do
            if usable "$candidate"; then
                base=$candidate
                break
            fi
        done
        [ -n "$base" ] || stop "Python 3.11 to 3.14 is needed and none was found on PATH."
        echo "Making a virtual environment in .venv ($("$base" --version))"
        "$base" -m venv --clear "$root/.venv" || {
            rm -rf "$root/.venv"
            stop "$base cannot make $root/.venv; see above. Install its venv module (Debian: python3-venv), free" \
                "space, or activate an environment of your own."
        }
    fi
fi

# A stamp in the environment says which requirements it holds, so that the second run starts at once.
prefix=$("$python" -c 'import sys; print(sys.prefix)')
if ! cmp -s "$root/requirements.txt" "$prefix/.msg-sarl-requirements"; then
    "$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip >/dev/null 2>&1 ||
        stop "$prefix has no pip and cannot get it. Remove this environment, or leave it with deactivate."
    echo "Installing requirements.txt (about 5 GB with torch's CUDA libraries on Linux; minutes, once)"
    "$python" -m pip install --quiet --disable-pip-version-check -r "$root/requirements.txt" ||
        stop "pip could not install requirements.txt; see above. It needs the internet or a mirror (PIP_INDEX_URL)," \
            "and space: $(df -Ph "$prefix" | awk 'NR == 2 {print $4}') are free. Run the same command again to go on."
    # Where the environment is read-only pip is asked again next time.
    cp "$root/requirements.txt" "$prefix/.msg-sarl-requirements" 2>/dev/null || true
fi

# Notebooks run in their own folder, papermill in the caller's: both must find lib.
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONUNBUFFERED=1
# File names and text are UTF-8 under every locale.
export PYTHONUTF8=1
# lib sets it too, but a notebook may load torch first.
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}"
