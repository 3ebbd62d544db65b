#!/bin/sh
# curl -N, and a loop that comes back with the last ID. An event counts once its blank line is
# there: what a cut left unfinished is dropped, as the standard wants it.
url=$1 last=$2 id='' state=$3
while :; do
    # curl's status says that the connection was cut, which is what this is about.
    curl -sN -m 5 ${id:+-H "Last-Event-ID: $id"} "$url" > "$state" 2> /dev/null || true
    awk '
        /^data: / { data = substr($0, 7) }
        /^id: /   { id = substr($0, 5) }
        /^$/      { if (data != "") print data; data = ""; if (id != "") print id > "/dev/stderr" }
    ' "$state" 2> "$state.ids"
    id=$(tail -n 1 "$state.ids" | grep . || echo "$id")
    awk '/^data: / { data = substr($0, 7) } /^$/ { print data }' "$state" | grep -qx "$last" && exit 0
    sleep 0.05
done
