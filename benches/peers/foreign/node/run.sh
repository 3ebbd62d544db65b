#!/bin/sh
# run.sh FOLDER: installs better-sse there if it is missing, and becomes the server.
set -e
here=$(cd "$(dirname "$0")" && pwd)
cp "$here/server.mjs" "$here/package.json" "$here/package-lock.json" "$1"
cd "$1"
test -d node_modules/better-sse || npm ci --silent --no-audit --no-fund >&2
exec node server.mjs
