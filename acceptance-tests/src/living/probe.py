"""Asks for tokens ten times a second; prints one JSON line for each: [second, served, what, took, since, late].

`second` is when its turn was, and `late` how much later it was asked. `since` is the time since the question before: much more
than the turn's when the machine stood still."""

import collections
import http.client
import json
import ssl
import sys
import threading
import time

HOST, PORT, CA, TOKEN_FILE = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
# A client gives up after what an outage may last: a slow machine is no failure, and the longest silence shows it.
EVERY_S, TIMEOUT_S = 0.1, 10.0
TRUST = ssl.create_default_context(cafile=CA)
# A token buys a token: a password's hash costs a quarter of a second of one core each time, which would measure that.
with open(TOKEN_FILE, encoding="ascii") as file:
    BODY = json.dumps({"auth": {
        "identity": {"methods": ["token"], "token": {"id": file.read().strip()}},
        "scope": {"project": {"name": "admin", "domain": {"id": "default"}}},
    }})
PRINTING = threading.Lock()
# Connections that rest, the longest resting first.
KEPT = collections.deque()


def connect(keep):
    """Half of the clients come anew each time, half keep their connections, as the services among themselves do."""
    try:
        if keep:
            return KEPT.popleft()
    except IndexError:
        pass
    return http.client.HTTPSConnection(HOST, PORT, timeout=TIMEOUT_S, context=TRUST)


def ask(keep):
    connection = connect(keep)
    try:
        connection.request("POST", "/v3/auth/tokens", BODY, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return False, "%s: %s%s" % (type(error).__name__, error, ", on a kept connection" if keep else "")
    if keep:
        KEPT.append(connection)
    else:
        connection.close()
    return response.status == 201, str(response.status)


def probe(at, since, late, keep):
    served, what = ask(keep)
    with PRINTING:
        times = [round(time.time() - at, 3), round(since, 3), round(late, 3)]
        print(json.dumps([round(at, 2), served, what] + times), flush=True)


def main():
    turn, keep = time.time(), False
    before = turn
    while True:
        now = time.time()
        threading.Thread(target=probe, args=(turn, now - before, now - turn, keep), daemon=True).start()
        before = now
        turn, keep = turn + EVERY_S, not keep
        time.sleep(max(0.0, turn - time.time()))


main()
