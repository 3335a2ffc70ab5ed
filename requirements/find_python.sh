#!/bin/sh
# Prints a Python from 3.11 on: $PYTHON, else the first on the PATH that runs, has venv and is new enough.
set -u

fits() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3.14 python3 python}; do
    if fits "$candidate"; then
        command -v "$candidate"
        exit 0
    fi
done

echo "segmentd needs Python 3.11 or newer with venv, and found none (tried: ${PYTHON:-python3.11 to python3.14, python3, python})." >&2
echo "Install one, or name it: make setup PYTHON=/path/to/python3" >&2
exit 1
