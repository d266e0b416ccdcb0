#!/bin/sh
# Fill .venv with exactly what requirements.txt locks (`sh setup.sh lock` writes that file again).
# Needs Python 3.11 or newer and, for what is not in uv's cache, a package index.
set -eu
cd "$(dirname "$0")"

# Settings of pip and uv that were made for other projects change nothing here. What remains says
# where packages come from (one index, its certificate, a proxy) and where they are cached.
for name in $(env | cut -d= -f1 | grep -xE '(PIP|UV)_[A-Z0-9_]+' || true); do
    case $name in
        PIP_INDEX_URL | PIP_CERT | PIP_PROXY | PIP_CACHE_DIR) ;;
        UV_INDEX_URL | UV_DEFAULT_INDEX | UV_CACHE_DIR | UV_HTTP_TIMEOUT | UV_NATIVE_TLS) ;;
        *) unset "$name" ;;
    esac
done
export PIP_CONFIG_FILE=/dev/null UV_NO_CONFIG=1
index=${UV_DEFAULT_INDEX:-${UV_INDEX_URL:-${PIP_INDEX_URL:-}}}
unset UV_INDEX_URL
if [ -n "$index" ]; then export UV_DEFAULT_INDEX="$index" PIP_INDEX_URL="$index"; fi
if [ -n "${PIP_CERT:-}" ]; then export SSL_CERT_FILE="${SSL_CERT_FILE:-$PIP_CERT}"; fi

case $PWD in
    *[[:space:]]*)
        echo "$PWD: Snakemake cannot run a Python whose path has a space: clone to another folder" >&2
        exit 1
        ;;
esac

python=
for candidate in "${PYTHON:-python3}" python3.11 python3.12 python3.13; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "Motilens needs Python 3.11 or newer: install it, or name it: make PYTHON=/path/to/python3" >&2
    exit 1
fi

echo "Setting up .venv with $("$python" --version)" >&2
rm -rf .venv
"$python" -m venv --without-pip .venv
uv=.venv/bin/uv
# pip's only task is to fetch uv, at the version and with the hash of the lock. Debian's Python
# comes without ensurepip, and perhaps without pip: a uv on the PATH will do instead.
sed -n '/^uv==/,/[^\\]$/p' requirements.txt >.venv/uv.txt
if .venv/bin/python -m ensurepip >/dev/null 2>&1; then
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
        --require-hashes -r .venv/uv.txt
elif "$python" -m pip --version >/dev/null 2>&1; then
    "$python" -m pip --python .venv/bin/python install --quiet --disable-pip-version-check \
        --no-deps --require-hashes -r .venv/uv.txt
elif command -v uv >/dev/null; then
    uv=uv
else
    echo "$python has no pip: install python3-venv (Debian, Ubuntu), or uv, and try again" >&2
    exit 1
fi

if [ "${1:-}" = lock ]; then
    # trackeval wants OpenCV for masks, which are not used: 190 MB.
    "$uv" pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes \
        --no-emit-index-url --no-annotate --no-emit-package opencv-python --custom-compile-command "make lock" \
        --output-file requirements.txt requirements.in
fi
# Compiled at once: where Python may not write, each step would compile PyTorch again.
"$uv" pip sync --quiet --compile-bytecode --python .venv/bin/python --require-hashes --build-constraints requirements.txt \
    requirements.txt
touch .venv/ready
echo "Done: .venv/bin holds snakemake and all it needs" >&2
