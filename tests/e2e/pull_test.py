"""`visavis pull` and `models` against a hub of ours: cut, killed and run twice at the same time."""
import hashlib
import http.server
import json
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from program import LLAVA, PICTURE, PROGRAM, SOURCE, visavis, visavis_json

MODEL = SOURCE / "models" / "demo" / "llava"
REPOSITORY = "maker/small-llava"
COMMIT = "c0ffee" * 6 + "c0ff"


def is_large(path):
    return path.endswith(".safetensors")


def digest(path, data):
    if is_large(path):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Hub(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {p.name: p.read_bytes() for p in MODEL.iterdir() if p.is_file()}
        self.lock = threading.Lock()
        self.cuts = 0
        self.rate = None  # bytes a second of each connection
        self.sent = 0  # bytes of files
        self.listings = 0
        self.random = random.Random(5)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass  # clients that are killed


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        hub = self.server
        if self.path.startswith("/api/models/"):
            siblings = [{"rfilename": path, "size": len(data), "blobId": digest(path, data),
                         **({"lfs": {"sha256": digest(path, data), "size": len(data)}}
                            if is_large(path) else {})}
                        for path, data in hub.files.items()]
            body = json.dumps({"sha": COMMIT, "siblings": siblings}).encode()
            with hub.lock:
                hub.listings += 1
            return self.reply(200, body, {})
        path = self.path.rsplit("/", 1)[1]
        data = hub.files[path]
        first, last = 0, len(data) - 1
        asked = self.headers.get("Range")
        if asked:
            first, last = (int(x) for x in asked.split("=")[1].split("-"))
        with hub.lock:
            cut = hub.cuts > 0 and last > first
            hub.cuts -= cut
            stop = hub.random.randint(first + 1, last) if cut else last + 1
        self.reply(206, data[first:stop], {
            "ETag": f'"{digest(path, data)}"', "Content-Range": f"bytes {first}-{last}/{len(data)}",
            "Content-Length": str(last - first + 1)})
        return None

    def reply(self, status, body, headers):
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        hub = self.server
        for at in range(0, len(body), 65536):
            piece = body[at:at + 65536]
            self.wfile.write(piece)
            with hub.lock:
                hub.sent += len(piece) if status == 206 else 0
            if hub.rate:
                time.sleep(len(piece) / hub.rate)


class Pull(unittest.TestCase):
    def setUp(self):
        self.hub = Hub()
        self.addCleanup(self.hub.server_close)
        self.addCleanup(self.hub.shutdown)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name)
        for name, value in {"HF_HOME": str(self.home), "HF_HUB_CACHE": str(self.home / "hub"),
                            "HF_TOKEN": "hf_test", "LC_ALL": "C",
                            "HF_ENDPOINT": f"http://127.0.0.1:{self.hub.server_port}"}.items():
            os.environ[name] = value
        self.size = sum(len(data) for data in self.hub.files.values())

    def wait_for(self, condition):
        until = time.monotonic() + 120
        while not condition():
            self.assertLess(time.monotonic(), until, "nothing happened for two minutes")
            time.sleep(0.01)

    def pull(self, *options):
        return subprocess.Popen([PROGRAM, "pull", REPOSITORY, *options], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def expect_whole(self):
        snapshot = self.home / "hub" / "models--maker--small-llava" / "snapshots" / COMMIT
        for path, data in self.hub.files.items():
            if not path.endswith(".md"):
                self.assertEqual((snapshot / path).read_bytes(), data, path)
        blobs = os.listdir(snapshot.parent.parent / "blobs")
        self.assertFalse([name for name in blobs if "part" in name])
        return snapshot

    def test_fifty_cuts_then_answers_by_the_repositorys_name(self):
        self.hub.cuts = 50
        done = visavis_json("pull", REPOSITORY)
        self.assertEqual(self.hub.cuts, 0)
        self.assertEqual(done["received_bytes"], done["bytes"])
        snapshot = self.expect_whole()
        self.assertEqual(done["folder"], str(snapshot))
        asked = ["-i", PICTURE, "-p", "What is this?", "--max-tokens", "4", "--no-cache"]
        ours = visavis_json("run", REPOSITORY, *asked)
        self.assertEqual(ours["token_ids"], visavis_json("run", LLAVA, *asked)["token_ids"])
        listed = visavis_json("models")["repositories"]
        self.assertEqual([(r["name"], r["partial"]) for r in listed], [(REPOSITORY, False)])
        refused = visavis("models", "--remove", REPOSITORY, stdin="")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("--yes", refused.stderr)
        removed = visavis("models", "--remove", REPOSITORY, "--yes", "--lang", "zh")
        self.assertIn("已从", removed.stdout)
        self.assertEqual(visavis_json("models")["repositories"], [])
        self.assertIn("visavis pull", visavis("inspect", REPOSITORY).stderr)

    def test_killed_again_and_again(self):
        self.hub.rate = 3e6
        generator = random.Random(3)
        for _ in range(8):
            process = self.pull("--connections", "2")
            enough = self.hub.sent + generator.randint(1, 1_200_000)
            self.wait_for(lambda: self.hub.sent > enough)
            self.assertIsNone(process.poll())
            process.send_signal(signal.SIGKILL)
            process.communicate()
        left = visavis_json("pull", REPOSITORY, "--list")
        self.hub.rate = None
        done = visavis_json("pull", REPOSITORY)
        self.assertLessEqual(done["received_bytes"], left["missing_bytes"])
        self.assertLess(left["missing_bytes"], done["bytes"])
        self.expect_whole()

    def test_two_at_once_and_the_first_is_killed(self):
        self.hub.rate = 1e6
        one = self.pull()
        self.wait_for(lambda: self.hub.sent > 500_000)
        two = self.pull()
        self.wait_for(lambda: self.hub.listings == 2)
        one.send_signal(signal.SIGKILL)
        one.communicate()
        self.hub.rate = None
        self.assertEqual(two.wait(timeout=120), 0, two.communicate()[1])
        two.communicate()
        self.expect_whole()
        # What was on its way when the first one died may have come twice.
        self.assertLess(self.hub.sent, self.size * 1.3)

    def test_ctrl_c_says_how_to_go_on(self):
        self.hub.rate = 1e6
        process = self.pull("--lang", "zh")
        self.wait_for(lambda: self.hub.sent > 100_000)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 3, errors)
        self.assertIn("已停止", errors)


if __name__ == "__main__":
    unittest.main()
