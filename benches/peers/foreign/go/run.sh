#!/bin/sh
# run.sh FOLDER: builds the server there, and becomes it.
set -e
here=$(cd "$(dirname "$0")" && pwd)
(cd "$here" && GOFLAGS=-mod=mod GO111MODULE=off go build -o "$1/server" server.go)
exec "$1/server"
