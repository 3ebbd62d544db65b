"""sseclient-py: parses; to come back with the last ID is its user's business."""

import sys
import time

import requests
import sseclient

url, last = sys.argv[1:]
last_event_id = None
while True:
    headers = {"Accept": "text/event-stream"}
    if last_event_id:
        headers["Last-Event-ID"] = last_event_id
    try:
        response = requests.get(url, stream=True, headers=headers, timeout=30)
        for event in sseclient.SSEClient(response).events():
            last_event_id = event.id or last_event_id
            if event.data:
                print(event.data, flush=True)
            if event.data == last:
                sys.exit(0)
    except requests.exceptions.RequestException:
        pass
    time.sleep(0.05)
