#!/bin/sh
# Makes .venv exactly what the lock files say. Called by make when they changed; needs only Python >= 3.11.
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}

if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "Python 3.11 or later is needed, and '$PYTHON' is $("$PYTHON" --version 2>&1 || true)." >&2
  echo "What to do: install it and name it, e.g. make setup PYTHON=python3.12" >&2
  exit 1
fi
if ! .venv/bin/python -c '' 2>/dev/null; then
  echo "environment: making .venv with $("$PYTHON" --version)"
  if ! "$PYTHON" -m venv --clear .venv; then
    echo "What to do: install Python's venv module (Debian: apt-get install python3-venv)." >&2
    exit 1
  fi
fi
# uv, beside the environment that it keeps in order: `uv pip sync` removes everything that is not locked
if ! .venv/tools/bin/uv --version 2>/dev/null | grep -q "^uv $(sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements-uv.lock)\b"; then
  echo "environment: fetching uv"
  rm -rf .venv/tools
  .venv/bin/python -m ensurepip --upgrade >/dev/null
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-warn-script-location \
    --require-hashes --target .venv/tools -r requirements-uv.lock
fi
echo "environment: installing what requirements.lock says"
# the system's certificates where there are any, for networks with a certificate authority of their own
certificates=$(.venv/bin/python -c 'import os, ssl; p = ssl.get_default_verify_paths()
print("--system-certs" if p.cafile or (p.capath and os.listdir(p.capath)) else "")')
quiet=$(test -t 2 || echo --quiet)
# shellcheck disable=SC2086 # no certificates, no word
if ! .venv/tools/bin/uv pip sync $quiet $certificates --python .venv/bin/python --require-hashes requirements.lock; then
  echo "What to do: check the network to the Python package index (UV_DEFAULT_INDEX names a mirror), and try again." >&2
  exit 1
fi

# the project itself: this folder on the path, and its command
site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
pwd >"$site/nineconnect.pth"
printf '#!/bin/sh\nexec "$(dirname "$0")/python" -m cli "$@"\n' >.venv/bin/nineconnect
chmod +x .venv/bin/nineconnect
touch .venv/.ready
