#!/bin/sh
# A systemd of its own, as process 1 of namespaces of its own, runs the units of examples/deploy/systemd:
#
#   unshare --pid --fork --kill-child --mount --mount-proc --cgroup --uts --ipc --net \
#       sh systemd.sh HUB UNITS REPORT
#
# HUB is the program, UNITS the folder, REPORT a file. What happens is written to REPORT; the exit status is
# 0 if all of it is as it should be. It needs root, and changes no file of the machine's.
set -eu

# What runs as the unit check.service once systemd is up.
check() {
    url=http://127.0.0.1:3000
    publish() {
        curl -sS -H "Authorization: Bearer $(cat /etc/tidings/token)" -d "$1" "$url/events/news"
    }
    is() {
        [ "$2" = "$3" ] && echo "$1: $2" && return
        echo "$1: $2, and not $3"
        exit 1
    }
    property() {
        systemctl show tidings.service -p "$1" --value
    }
    until_streams() {
        for _ in $(seq 500); do
            curl -sS "$url/metrics" | grep -qx "tidings_streams $1" && return
            sleep 0.02
        done
        echo "there are not $1 streams"
        exit 1
    }
    follow() {
        curl -sSN "$url/events/news" > /run/stream &
        stream=$!
        until_streams 1
    }

    # Type=notify: once it has started, it serves.
    systemctl start tidings.service
    is "its health" "$(curl -sS "$url/health")" ok
    is "a publish without the token" "$(curl -sS -o /dev/null -w '%{http_code}' -d no "$url/events/news")" 401
    process=$(property MainPID)
    is "its capabilities" "$(grep -h CapBnd "/proc/$process/status" | tr -d '\t')" CapBnd:0000000000000000
    is "its filter of calls" "$(grep -h Seccomp: "/proc/$process/status" | tr -d '\t')" Seccomp:2
    is "its user is root" "$(grep -qP 'Uid:\t0\t' "/proc/$process/status" && echo yes || echo no)" no
    is "its descriptors" "$(grep -h 'open files' "/proc/$process/limits" | tr -s ' ' | cut -d ' ' -f 4)" 20000
    follow
    publish hello > /run/id
    systemctl stop tidings.service
    # curl fails unless the last chunk has come.
    wait $stream
    is "the stream" "$(grep -c 'data: hello' /run/stream)" 1
    is "its end" "$(property Result) $(property ExecMainStatus)" "success 0"
    is "it is killed" "$(systemctl start tidings.service; kill -9 "$(property MainPID)"; echo yes)" yes
    until curl -s "$url/health" > /run/health; do sleep 0.02; done
    is "it is back" "$(cat /run/health)" ok
    # What it had acknowledged before the stop and the kill is still there.
    curl -sS -m 1 -H 'Last-Event-ID: 0-0' "$url/events/news" > /run/kept || [ $? = 28 ]
    is "what it kept" "$(grep -c "id: $(cat /run/id)" /run/kept) $(grep -c 'data: hello' /run/kept)" "1 1"
    is "its folder" "$(stat -L -c %a /var/lib/tidings)" 700
    systemctl stop tidings.service

    # The variant with the socket: started by the first who connects, with no network of its own.
    mkdir /run/units/tidings.service.d
    cp /run/variants/tidings.service.d/socket.conf /run/units/tidings.service.d/
    systemctl daemon-reload
    systemctl start tidings.socket
    is "without a client" "$(property ActiveState)" inactive
    is "with one" "$(curl -sS "$url/health")" ok
    is "its state" "$(property ActiveState)" active
    process=$(property MainPID)
    is "the network is its own" "$([ "$(readlink "/proc/$process/ns/net")" = "$(readlink /proc/1/ns/net)" ] || echo yes)" yes
    follow
    (for _ in $(seq 100); do curl -sS -o /dev/null "$url/health" || echo refused; sleep 0.01; done) > /run/refused 2>&1 &
    clients=$!
    systemctl restart tidings.service
    wait $stream
    wait $clients
    is "refused during a restart" "$(cat /run/refused)" ""
    is "it is another one" "$([ "$(property MainPID)" != "$process" ] && echo yes)" yes
    is "its end" "$(property Result) $(property NRestarts)" "success 0"

    # The same on a unix socket, as its comment says, behind a proxy that has a name.
    systemctl stop tidings.socket tidings.service
    sed -i 's/^ListenStream=.*//; s/^#\(ListenStream\|Socket\)/\1/' /run/units/tidings.socket
    sed -i '/^ExecStart=./s/$/ --allow-host hub.example/' /run/units/tidings.service.d/socket.conf
    systemctl daemon-reload
    systemctl start tidings.socket
    is "the socket" "$(stat -c '%a %G' /run/tidings.sock)" "660 www-data"
    is "under its name" "$(curl -sS --unix-socket /run/tidings.sock http://hub.example/health)" ok
    is "under another" "$(curl -sS -o /dev/null -w '%{http_code}' --unix-socket /run/tidings.sock http://other.example/health)" 421
}

if [ "$1" = check ]; then
    check
    exit
fi
hub=$1 units=$2 report=$3

# Nothing of this is seen outside of this namespace; systemd wants what it mounts to be seen inside.
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir -p /run/report /run/units /run/tidings-etc/tidings /run/tidings-bin /run/work-etc /run/work-bin
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/tidings-etc,workdir=/run/work-etc /etc
mount -t overlay overlay -o lowerdir=/usr/local/bin,upperdir=/run/tidings-bin,workdir=/run/work-bin /usr/local/bin
mount -t cgroup2 cgroup2 /sys/fs/cgroup
# All of these may be in what is hidden then.
mount --bind "$(dirname "$report")" /run/report
cp "$hub" /usr/local/bin/tidings
cp "$0" /run/systemd.sh
cp -r "$units" /run/variants
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /var/lib
mount -t tmpfs tmpfs /var/tmp
mount --make-rshared /
echo secret > /etc/tidings/token
chmod 600 /etc/tidings/token
cp /run/variants/tidings.service /run/variants/tidings.socket /run/units
# The units of the machine's are not started.
for name in sysinit basic sockets shutdown multi-user; do
    printf '[Unit]\nDefaultDependencies=no\n' > "/run/units/$name.target"
done
cat > /run/units/check.service <<UNIT
[Unit]
DefaultDependencies=no
SuccessAction=exit-force
SuccessActionExitStatus=0
FailureAction=exit-force
FailureActionExitStatus=1
[Service]
Type=oneshot
ExecStart=/bin/sh /run/systemd.sh check
TimeoutStartSec=60
StandardOutput=truncate:/run/report/$(basename "$report")
StandardError=inherit
UNIT
export container=other SYSTEMD_UNIT_PATH=/run/units
exec /lib/systemd/systemd --system --unit=check.service --log-target=null --show-status=no
