# Sourced by the other scripts: goes to the repository, makes the environment (ENVIRONMENT, or .venv) where there is
# none, installs what a requirements file names unless exactly that is installed already, and sets PYTHON to the
# environment's interpreter.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    echo "No Python 3.11 or newer was found; install one (python3.11) and run this script again." >&2
    exit 2
}

# install FILE: what the file names is in the environment afterwards; a second call does nothing.
install() {
    local version stamp environment=${ENVIRONMENT:-.venv}
    version=$(cat requirements*.txt | cksum | cut -d' ' -f1)
    stamp="$environment/.installed-$version-$(basename "$1" .txt)"
    PYTHON=$PWD/$environment/bin/python
    [ -e "$stamp" ] && "$PYTHON" -c '' 2>/dev/null && return
    if ! "$PYTHON" -c '' 2>/dev/null; then
        local python
        python=$(find_python) || exit 2
        echo "Making the environment $environment with $("$python" --version)"
        "$python" -m venv --clear "$environment" || {
            echo "The environment could not be made; on Debian and Ubuntu: apt install python3-venv" >&2
            exit 1
        }
    fi
    echo "Installing $1 (a minute or two, once)"
    "$PYTHON" -m pip install --quiet --disable-pip-version-check -r "$1" || {
        echo "The installation failed; see the lines above. It needs a connection to a Python package index." >&2
        exit 1
    }
    touch "$stamp"
    # The other files include it.
    [ "$1" = requirements-docs.txt ] || touch "$environment/.installed-$version-requirements"
}
