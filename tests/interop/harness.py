"""Cuts connections between a client and a server, and checks what the client made of it.

Threads for each case: a proxy that cuts, a publisher, and a reader of what the client prints.
Everything is on loopback, and ends with this process.
"""

import argparse
import http.client
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from urllib.parse import quote

HERE = os.path.dirname(os.path.abspath(__file__))
EVENTS = 1000
# Longer than one read of anybody's, and of characters that a cut can split.
FILLER = "é数🦀" * 12
LAST = "last"
# Of a script that a mock sends as badly as the standard allows.
CHAOS_EVENTS, CHAOS_SEEDS = 60, range(1, 5)
# A connection lives for so many bytes: at least the head and an event, at most a few dozen.
LIFE = (400, 4500)
PATIENCE = 60


def data(number):
    return f"{number:05d} {FILLER}"


class Proxy:
    """Passes bytes between a client and the server, and cuts the first so many connections."""

    def __init__(self, server, cuts):
        self.server, self.left, self.cut = server, cuts, 0
        self.dice = random.Random(1)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        server = socket.create_connection(self.server)
        life = None
        if self.left > 0:
            self.left -= 1
            life = self.dice.randint(*LIFE)
        with client, server:
            try:
                while life != 0 and self.pass_on(client, server):
                    some = server.recv(min(life or 65536, 65536))
                    if not some:
                        return
                    client.sendall(some)
                    life = life and life - len(some)
            except OSError:
                return
            if life == 0:
                self.cut += 1
                if self.cut % 2:
                    # Closed with nothing said, which resets it.
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    @staticmethod
    def pass_on(client, server):
        """Passes on what the client sends, until the server says something. False at its end."""
        while True:
            ready, _, _ = select.select([client, server], [], [])
            if client in ready:
                some = client.recv(65536)
                if not some:
                    return False
                server.sendall(some)
            if server in ready:
                return True

    def close(self):
        self.listener.close()


class Service:
    """A server of events, and how they get in."""

    def __init__(self, command, events, publish, name):
        self.events, self.publish_path, self.name = events, publish, name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        line = self.process.stdout.readline().decode()
        found = re.match(r"listening on http://([0-9.]+):(\d+)", line)
        if not found:
            raise SystemExit(f"{name} began with {line!r}")
        self.address = (found[1], int(found[2]))

    def connection(self):
        return http.client.HTTPConnection(*self.address, timeout=30)

    def publish(self, connection, text, query=""):
        connection.request("POST", self.publish_path + query, text.encode(),
                           {"Content-Type": "text/plain; charset=utf-8"})
        response = connection.getresponse()
        response.read()
        if response.status >= 300:
            raise SystemExit(f"{self.name} did not publish: {response.status}")

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Client:
    """A program that prints what it receives, an event a line."""

    def __init__(self, command, line=lambda text: text):
        self.lines, self.line = [], line
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(self.line(line.decode().rstrip("\n")))

    def has_all(self):
        return LAST in self.lines

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


class Browser(Client):
    """Reports on a channel of the hub's own, as it has no standard output."""

    def __init__(self, command, hub):
        super().__init__(command)
        connection = hub.connection()
        connection.request("GET", "/events/report?history=1")
        self.report = connection.getresponse()
        threading.Thread(target=self.wait, daemon=True).start()

    def wait(self):
        lines = []
        for line in self.report:
            text = line.decode().rstrip("\n")
            if text.startswith("data: "):
                lines.append(text[6:])
            if text == "" and lines:
                self.lines = lines
                return


def until(what, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise Failure(f"not within {PATIENCE} s: {what}")
        time.sleep(0.01)


class Failure(Exception):
    """What a case found."""


def run(service, start, cuts, resumes):
    """One client on one server. Returns what it can tell, or fails."""
    proxy = Proxy(service.address, cuts)
    client = start(f"http://{proxy.address}{service.events}")
    published = []
    try:
        # The first connection of all counts, and has to be there before the first event.
        until("a connection", lambda: proxy.left < cuts)
        time.sleep(1.0)
        connection = service.connection()
        if resumes == "hub":
            service.publish(connection, "hello", "?retry=50")
        end = time.monotonic() + 2 * PATIENCE
        while len(published) < EVENTS or proxy.cut < cuts:
            published.append(data(len(published)))
            service.publish(connection, published[-1])
            time.sleep(0.004)
            if time.monotonic() > end:
                raise Failure(f"only {proxy.cut} of {cuts} connections were cut")
        until("connections to settle", lambda: proxy.left == 0)
        end = time.monotonic() + PATIENCE
        while not client.has_all() and time.monotonic() < end:
            # Whoever does not resume may be away when it comes.
            service.publish(connection, LAST)
            time.sleep(0.2 if resumes else 1.0)
    finally:
        client.close()
        proxy.close()
    received = [line for line in client.lines if line not in ("hello", LAST)]
    check(published, received, client.has_all(), resumes)
    return f"{len(received)} of {len(published)} events, {proxy.cut} cuts"


def check(published, received, has_last, resumes):
    """A thousand events, once, in order; or, where a server forgets, those that came."""
    if not has_last:
        raise Failure(f"the last event did not come; {len(received)} others did")
    numbers = [int(line.split()[0]) for line in received]
    if numbers != sorted(set(numbers)):
        raise Failure("events came twice or out of order")
    if any(line != published[number] for line, number in zip(received, numbers)):
        raise Failure("an event came otherwise than it was published")
    if resumes and len(received) != len(published):
        lost = sorted(set(range(len(published))) - set(numbers))
        raise Failure(f"{len(lost)} events were lost, the first is {lost[0]}")


def script():
    """An event stream of which each event can be resumed from."""
    texts = [data(number) for number in range(CHAOS_EVENTS)] + [LAST]
    events = [f"id: {number}\ndata: {text}\n\n" for number, text in enumerate(texts)]
    return "retry: 50\n" + "".join(events)


def run_chaos(mock, start):
    """One client on one seed. It must get every event of the script once, in order."""
    client = start(f"http://{mock.address[0]}:{mock.address[1]}{mock.events}")
    try:
        until("the last event", client.has_all)
    finally:
        client.close()
    expected = [data(number) for number in range(CHAOS_EVENTS)] + [LAST]
    if client.lines != expected:
        first = next((pair for pair in zip(client.lines, expected) if pair[0] != pair[1]),
                     f"{len(client.lines)} of {len(expected)}")
        raise Failure(f"other events than those of the script: {first}")
    return f"{len(expected)} of {len(expected)} events"


def find(*names):
    return next((path for path in map(shutil.which, names) if path), None)


# These reconnect as the standard says, whatever comes.
BY_THEMSELVES = ("Chromium", "tidings tail")


def clients(options, hub):
    """What runs on our hub: a name, how it is started, and what is missing here if it can't be."""
    place, here = options.place, os.path.join(HERE, "clients")
    python = sys.executable
    chromium = find("chromium", "chromium-browser", "google-chrome")

    def browser(url):
        report = f"http://127.0.0.1:{hub.address[1]}/events/report"
        target = quote(f"{url} {report} {LAST}")
        page = f"file://{here}/chromium.html#{target}"
        return Browser([
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--remote-debugging-port=0",
            f"--user-data-dir={place}/chromium", page], hub)

    def with_url(*command):
        return lambda url: Client([*command, url, LAST])

    def curl(url):
        return Client([f"{here}/curl.sh", url, LAST, f"{place}/curl.out"])

    return [
        ("npm eventsource", with_url("node", f"{place}/eventsource.mjs"), find("node")),
        ("Chromium", browser, chromium),
        ("PyPI httpx-sse", with_url(python, f"{here}/httpx_client.py"), python),
        ("PyPI sseclient-py", with_url(python, f"{here}/sseclient_client.py"), python),
        ("curl", curl, find("curl")),
        ("tidings tail", tail(options), options.hub),
    ]


def tail(options, quoted=False):
    """Our client. A server may send text as JSON, as better-sse does."""
    command = [options.hub, "tail", "--json", "--quiet"]

    def line(text):
        data = json.loads(text)["data"]
        return json.loads(data) if quoted else data

    return lambda url: Client([*command, url], line=line)


def servers(options):
    """What our client runs on: a name, the command, whether it resumes, and what is missing."""
    foreign = os.path.join(HERE, "../../benches/peers/foreign")
    module = next((path for path in (
        "/usr/lib/nginx/modules/ngx_nchan_module.so",
        "/usr/share/nginx/modules/ngx_nchan_module.so") if os.path.exists(path)), None)
    folder = {name: os.path.join(options.place, name) for name in ("nchan", "node")}
    for path in folder.values():
        os.makedirs(path, exist_ok=True)
    nchan = ["sh", f"{foreign}/nchan/run.sh", folder["nchan"], module or ""]
    return [
        ("nginx with nchan", nchan, True, find("nginx") and module),
        ("Node with better-sse", ["sh", f"{foreign}/node/run.sh", folder["node"]], False,
         find("npm")),
        ("axum", [options.peers, "serve", "axum"], False, options.peers),
    ]


def main():
    parser = argparse.ArgumentParser()
    for name in ("--hub", "--peers", "--place"):
        parser.add_argument(name, required=True)
    parser.add_argument("--only", default="", help="the cases whose names contain this")
    options = parser.parse_args()
    # So that what was started here ends here, too, when this is told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    required = os.environ.get("INTEROP_REQUIRE") == "1"
    failures = 0

    def case(name, service, attempt, installed):
        nonlocal failures
        if options.only not in name:
            return
        if not installed:
            print(f"{'FAILED' if required else 'left out'}  {name}: not installed", flush=True)
            failures += required
            return
        serving = service()
        try:
            print(f"passed  {name}: {attempt(serving)}", flush=True)
        except Failure as failure:
            print(f"FAILED  {name}: {failure}", flush=True)
            failures += 1
        finally:
            serving.close()

    def hub():
        command = [options.hub, "--listen", "127.0.0.1:0", "--history", "200000", "--cors", "*",
                   "--history-bytes", "100000000", "--until-eof"]
        return Service(command, "/events/interop", "/events/interop", "the hub")

    def mock(seed):
        path = os.path.join(options.place, "chaos.sse")
        with open(path, "w", encoding="utf-8") as file:
            file.write(script())
        command = [options.hub, "mock", path, "--chaos", str(seed), "--stall", "1"]
        return Service(command, "/events", None, "the mock")

    def on_mock(mock, index):
        # The hub is where a browser reports to.
        serving = hub()
        try:
            return run_chaos(mock, clients(options, serving)[index][1])
        finally:
            serving.close()

    for index, (name, _, installed) in enumerate(clients(options, None)):
        attempt = lambda serving, index=index: run(
            serving, clients(options, serving)[index][1], 20, "hub")
        case(f"{name} on our hub", hub, attempt, installed)
        for seed in CHAOS_SEEDS if name in BY_THEMSELVES else ():
            service = lambda seed=seed: mock(seed)
            attempt = lambda serving, index=index: on_mock(serving, index)
            case(f"{name} on our mock with --chaos {seed}", service, attempt, installed)
    for name, command, resumes, installed in servers(options):
        service = lambda name=name, command=command: Service(command, "/events", "/publish", name)
        attempt = lambda serving, name=name, resumes=resumes: run(
            serving, tail(options, quoted="better-sse" in name), 5, resumes)
        case(f"tidings tail on {name}", service, attempt, installed)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
