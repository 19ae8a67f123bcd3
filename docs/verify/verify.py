"""Receives deliveries and refuses what is not signed with the secret that
"smartleadctl destinations add" printed. Needs the standard library alone."""

import base64
import hmac
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE = 5 * 60  # seconds
MAX_BODY = 16 << 20  # bytes


def read_key(secret):
    if not secret.startswith("whsec_"):
        raise ValueError("the secret begins with whsec_")
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    if len(key) < 24:
        raise ValueError("the secret is too short")
    return key


def is_valid(key, headers, body, now):
    """Tells whether a delivery is genuine. body is the bytes as they came."""
    event_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not event_id or not timestamp.isdecimal() or abs(now - int(timestamp)) > TOLERANCE:
        return False
    signed = f"{event_id}.{timestamp}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256"))
    # Two signatures, separated by a space, while a secret is rotated.
    signatures = headers.get("webhook-signature", "").encode().split()
    return any(hmac.compare_digest(signature, expected) for signature in signatures)


def apply(event_id, event):
    """Is yours. Apply an id once: it comes again when an answer was lost."""
    print(f"{event_id!r}: {len(event)} bytes", flush=True)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        if length > MAX_BODY:
            return self.send_error(413)
        body = self.rfile.read(length)
        # The signature covers these bytes: verify first, decode afterwards.
        if not is_valid(KEY, self.headers, body, time.time()):
            return self.send_error(401)
        apply(self.headers["webhook-id"], body)
        self.send_response(204)
        self.end_headers()


if __name__ == "__main__":
    KEY = read_key(os.environ["WEBHOOK_SECRET"])
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Receiver).serve_forever()
