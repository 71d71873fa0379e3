# What scripts/test, scripts/demo and scripts/soak share; to be sourced by them.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENVS=$ROOT/.venv
OLDEST=11 # the Pythons that the project supports are 3.$OLDEST to 3.$NEWEST
NEWEST=13

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# A time for a person: "2 min 05 s".
duration() {
    if (($1 < 60)); then printf '%d s' "$1"; else printf '%d min %02d s' $(($1 / 60)) $(($1 % 60)); fi
}

# "3.12" for a command that is a Python; nothing for one that is none, or a shim of nothing.
python_version() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

is_supported() {
    [[ $1 =~ ^3\.([0-9]+)$ ]] && ((BASH_REMATCH[1] >= OLDEST && BASH_REMATCH[1] <= NEWEST))
}

can_make_environments() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null
}

# Commands that may be supported Pythons, the newest first, whether or not they are there.
other_pythons() {
    local minor
    for ((minor = NEWEST; minor >= OLDEST; minor--)); do
        printf '%s\n' "python3.$minor"
        find "${PYENV_ROOT:-$HOME/.pyenv}/versions" -mindepth 1 -maxdepth 1 -name "3.$minor.*" \
            2>/dev/null | sort -rV | sed 's|$|/bin/python|'
    done
}

is_usable() {
    is_supported "$(python_version "$1")" && can_make_environments "$1"
}

# The Python to work with: $PYTHON, else python3, else the newest other one that will do.
default_python() {
    local wanted=${PYTHON:-python3} version candidate
    version=$(python_version "$wanted")
    if is_usable "$wanted"; then
        printf '%s\n' "$wanted"
        return
    fi
    local problem="$wanted is Python ${version:-nowhere to be found}"
    is_supported "$version" && problem="$wanted lacks the venv module (Debian: apt install python3-venv)"
    if [[ -z ${PYTHON:-} ]]; then
        while read -r candidate; do
            if is_usable "$candidate"; then
                say "$problem; $candidate is used." >&2
                printf '%s\n' "$candidate"
                return
            fi
        done < <(other_pythons)
    fi
    fail "$problem. Python 3.$OLDEST to 3.$NEWEST is needed; name one with PYTHON=/path/to/python3.$NEWEST"
}

# The newest usable Python of another version than the one given; nothing where there is none.
second_python() {
    local candidate
    while read -r candidate; do
        if is_usable "$candidate" && [[ $(python_version "$candidate") != "$1" ]]; then
            printf '%s\n' "$candidate"
            return
        fi
    done < <(other_pythons)
}

# What an environment is made from: when it changes, the environment is made anew.
_recipe() {
    "$1" -c 'import sys; print(sys.version)'
    say "$ROOT $2"
    cat "$ROOT/pyproject.toml" "$ROOT/constraints.txt"
}

# environment PYTHON KIND: set ENVIRONMENT to the folder of an up-to-date environment.
# Of kind "test" it has all that constraints.txt names; of kind "run" what the package needs.
# Fails, saying so, where it cannot be made.
environment() {
    local python=$1 kind=$2 version
    version=$(python_version "$python")
    ENVIRONMENT=$VENVS/$version
    [[ $kind == run ]] && ENVIRONMENT=$VENVS/$version-run
    mkdir -p "$VENVS"
    ( # two scripts started at once must not make the same environment twice
        if command -v flock >/dev/null; then flock 9; fi
        _make_environment "$python" "$kind" "$ENVIRONMENT"
    ) 9>"$VENVS/.lock" || {
        say "The environment $ENVIRONMENT could not be made; see above." >&2
        return 1
    }
}

_make_environment() {
    local python=$1 kind=$2 folder=$3 begin=$SECONDS recipe
    recipe=$(_recipe "$python" "$kind" | cksum)
    if [[ $(cat "$folder/.recipe" 2>/dev/null) == "$recipe" ]]; then
        return
    fi
    say "Making ${folder#"$ROOT/"} with $("$python" --version), from the package registry ..." >&2
    rm -rf "$folder"
    # `&&` throughout: bash does not heed `set -e` on the left of `||`
    "$python" -m venv "$folder" &&
        _install "$folder" "$kind" &&
        say "$recipe" >"$folder/.recipe" &&
        say "... done in $(duration $((SECONDS - begin)))." >&2
}

_install() {
    # the second variable says to a newer pip what the first says to an older one: that what
    # the build needs is pinned too
    export PIP_CONSTRAINT=$ROOT/constraints.txt PIP_BUILD_CONSTRAINT=$ROOT/constraints.txt
    export PIP_DISABLE_PIP_VERSION_CHECK=1 # -qq: errors only
    if [[ $2 == test ]]; then
        "$1/bin/python" -m pip install -qq --requirement "$ROOT/constraints.txt" || return
    fi
    "$1/bin/python" -m pip install -qq --editable "$ROOT"
}

DONE=()
FAILED=()

failed() {
    DONE+=("$1")
    FAILED+=("$1")
}

# check NAME COMMAND...: run it in $ENVIRONMENT, showing what it says, and note how it went. COMMAND
# may be a function, in which `set -e` has no effect.
check() {
    local name=$1 begin=$SECONDS
    shift
    printf '\n== %s\n' "$name"
    if PATH="$ENVIRONMENT/bin:$PATH" "$@"; then
        DONE+=("$name")
        say "-- $name: passed in $(duration $((SECONDS - begin)))"
    else
        failed "$name"
        say "-- $name: FAILED after $(duration $((SECONDS - begin)))"
    fi
}

# The closing line: what was run, how long it took, what failed. Its status is that of the script.
report() {
    local ran bad
    ran=$(printf '%s, ' "${DONE[@]}")
    if ((${#FAILED[@]} > 0)); then
        bad=$(printf '%s, ' "${FAILED[@]}")
        say "Ran ${ran%, } in $(duration "$SECONDS"). FAILED: ${bad%, }."
        return 1
    fi
    say "Ran ${ran%, } in $(duration "$SECONDS"). All passed."
}

# start_upstream FOLDER: serve the sample JSOC from loopback; set UPSTREAM_URL and UPSTREAM_PID.
# FOLDER takes its log. Stop it with stop_upstream.
start_upstream() {
    local port_file=$1/upstream.port waited
    rm -f "$port_file"
    (cd "$ROOT" && exec "$ENVIRONMENT/bin/python" -m tests.jsoc --port-file "$port_file") \
        >"$1/upstream.log" 2>&1 &
    UPSTREAM_PID=$!
    for ((waited = 0; waited < 600; waited++)); do
        if [[ -s $port_file ]]; then
            UPSTREAM_URL=http://127.0.0.1:$(cat "$port_file")
            return
        fi
        kill -0 "$UPSTREAM_PID" 2>/dev/null || break
        sleep 0.1
    done
    cat "$1/upstream.log" >&2
    say "The sample upstream did not start." >&2
    return 1
}

stop_upstream() {
    if [[ -n ${UPSTREAM_PID:-} ]]; then
        kill "$UPSTREAM_PID" 2>/dev/null || true
        wait "$UPSTREAM_PID" 2>/dev/null || true
        UPSTREAM_PID=
    fi
}
