"""httpx-sse: parses; to come back with the last ID is its user's business."""

import sys
import time

import httpx
from httpx_sse import connect_sse

url, last = sys.argv[1:]
last_event_id = None
while True:
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    try:
        with httpx.Client(timeout=30) as client:
            with connect_sse(client, "GET", url, headers=headers) as source:
                for event in source.iter_sse():
                    last_event_id = event.id or last_event_id
                    if event.data:
                        print(event.data, flush=True)
                    if event.data == last:
                        sys.exit(0)
    except httpx.TransportError:
        pass
    time.sleep(0.05)
