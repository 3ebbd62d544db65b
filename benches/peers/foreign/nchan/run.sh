#!/bin/sh
# run.sh FOLDER MODULE [CONNECTIONS]: becomes nginx with the module nchan, on a port that it derives from its id.
set -e
mkdir -p "$1/logs"
port=$((20000 + $$ % 10000))
connections=${3:-19000}
cat > "$1/nginx.conf" <<END
load_module $2;
daemon off;
worker_processes 1;
pid $1/nginx.pid;
error_log $1/logs/error.log;
worker_rlimit_nofile $((connections + 1000));
events { worker_connections $connections; }
http {
    access_log off;
    tcp_nodelay on;
    keepalive_requests 1000000000;
    client_body_temp_path $1/body;
    proxy_temp_path $1/proxy;
    fastcgi_temp_path $1/fastcgi;
    uwsgi_temp_path $1/uwsgi;
    scgi_temp_path $1/scgi;
    nchan_shared_memory_size 256M;
    server {
        listen 127.0.0.1:$port backlog=4096;
        location = /events {
            nchan_subscriber eventsource;
            nchan_channel_id news;
            nchan_subscriber_first_message newest;
        }
        location = /publish {
            nchan_publisher;
            nchan_channel_id news;
            nchan_message_buffer_length 4096;
        }
    }
}
END
# nginx says nothing when it listens. Whoever connects a moment later finds it.
(sleep 1; echo "listening on http://127.0.0.1:$port") &
exec nginx -p "$1" -c "$1/nginx.conf"
