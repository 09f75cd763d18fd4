"""Endpoints as contestants and as a judge, and what people say: the program against a server of ours."""
import http.server
import json
import os
import pathlib
import tempfile
import threading
import unittest
import zlib

from program import read_jsonl, visavis

KEY = "sk-not-to-be-found"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.reply(200, {"data": [{"id": "good"}, {"id": "poor"}, {"id": "arbiter"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.requests.append((self.headers.get("Authorization"), body))
            # Some questions are refused when they are asked first.
            named = json.dumps(body, sort_keys=True)
            busy = zlib.crc32(named.encode()) % 5 == 0 and named not in self.server.refused
            if busy:
                self.server.refused.add(named)
        if busy:
            self.reply(429, {"error": {"message": f"slow down, {KEY}"}}, {"Retry-After": "0.05"})
            return
        content = body["messages"][-1]["content"]
        asked = content if isinstance(content, str) else content[-1]["text"]
        self.stream(self.answer(body["model"], asked))

    @staticmethod
    def answer(model, asked):
        if model != "arbiter":
            number = int(asked.split()[1])
            return str(number * 2 if model == "good" or number % 4 == 0 else 1)
        if "<answer_1>" not in asked:
            return '{"verdict": "partial"}'
        return '{"winner": "1"}'

    def reply(self, status, body, headers=None):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def stream(self, text):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        events = [{"choices": [{"delta": {"content": piece}}]} for piece in text]
        events.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        events.append({"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": len(text)}})
        for event in events:
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")


class Endpoint(unittest.TestCase):
    def setUp(self):
        os.environ["VISAVIS_E2E_KEY"] = KEY
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.lock, self.server.requests, self.server.refused = threading.Lock(), [], set()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        self.place = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.place.name)
        self.out = self.folder / "out"
        lines = [json.dumps({"id": f"q{i}", "question": f"twice {i} is", "answer": str(2 * i),
                             "grader": "exact"}) for i in range(40)]
        (self.folder / "twice.jsonl").write_text("\n".join(lines), encoding="utf-8")

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()
        self.place.cleanup()

    def compare(self, *more):
        done = visavis("compare", f"{self.url}#good", f"{self.url}#poor", "--suite",
                       self.folder / "twice.jsonl", "--out", self.out, "--warmup", "0",
                       "--api-key-env", "VISAVIS_E2E_KEY", "--parallel", "4", "--price-prompt", "10",
                       "--price-completion", "20", *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn(KEY, done.stdout + done.stderr)
        return done

    def summary(self):
        return json.loads((self.out / "summary.json").read_text(encoding="utf-8"))

    def test_two_endpoints_a_judge_and_people(self):
        self.compare()
        group = self.summary()["groups"][0]
        self.assertEqual([cell["full"] for cell in group["cells"]], [40, 10])
        self.assertEqual(group["pairs"][0]["decision"], "first_better")
        # 100 tokens at 10 and one or two at 20 a million, for 1000 questions.
        self.assertAlmostEqual(group["cells"][1]["cost_per_1000"], 1.02, delta=0.02)
        answers = read_jsonl(self.out / "answers.jsonl")
        self.assertTrue(all("failure" not in answer for answer in answers))
        self.assertTrue(any("attempt 2" in note for answer in answers for note in answer["notes"]))
        self.assertTrue(all(given == f"Bearer {KEY}" for given, _ in self.server.requests))

        asked = len(self.server.requests)
        judged = visavis("judge", self.out, "--judge", f"{self.url}#arbiter", "--parallel", "4",
                         "--api-key-env", "VISAVIS_E2E_KEY")
        self.assertEqual(judged.returncode, 0, judged.stderr)
        judge = self.summary()["judges"][0]
        self.assertEqual((judge["failed"], judge["unparsed"]), (0, 0), judge)
        self.assertEqual([rubric["partial"] for rubric in judge["rubric"]], [40, 40])
        # Whoever stood first won, so that nobody did; ten pairs are the same text.
        self.assertEqual((judge["pairs"][0]["ties"], judge["pairs"][0]["inconsistent"]), (40, 30))
        self.assertGreater(judge["replies"], 0)
        self.assertGreater(len(self.server.requests), asked)
        asked = len(self.server.requests)
        for verb in (["judge", self.out], ["grade", self.out], ["report", self.out, "--lang", "zh"]):
            done = visavis(*verb)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.server.requests), asked, "nothing is asked twice")
        self.assertIn("模型评审", (self.out / "report.md").read_text(encoding="utf-8"))

        labels = [model["label"] for model in self.summary()["models"]]
        self.assertEqual(labels, ["good", "poor"])
        csv = self.folder / "people.csv"
        csv.write_text("id,model,verdict,who\n" + "".join(
            f"q{i},poor,{'full' if i % 4 == 0 or i == 1 else 'wrong'},Li\n" for i in range(40)),
            encoding="utf-8")
        for more in (["--import", csv], ["--who", "Ann", "--id", "q3", "--first", "good", "--second",
                                         "poor", "--winner", "first"]):
            done = visavis("verdict", self.out, *more)
            self.assertEqual(done.returncode, 0, done.stderr)
        found = next(one for one in self.summary()["agreement"] if one["grader"] == "automatic")
        self.assertEqual((found["who"], found["answers"]), ("Li", 40))
        self.assertAlmostEqual(found["raw"], 0.975)
        self.assertGreater(found["kappa"], 0.9)
        self.assertEqual(self.summary()["votes"]["votes"], 1)
        # What people say counts: they found q1 right where the grader did not.
        self.assertEqual([cell["full"] for cell in self.summary()["groups"][0]["cells"]], [40, 11])
        done = visavis("verdict", self.out, "--export", self.folder / "all.jsonl")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(read_jsonl(self.folder / "all.jsonl")), 41)
        for path in self.out.iterdir():
            self.assertNotIn(KEY.encode(), path.read_bytes(), path)

    def test_answers_of_an_earlier_run_are_taken_when_asked_for(self):
        self.compare("--limit", "40")
        asked = len(self.server.requests)
        first, self.out = self.out, self.folder / "again"
        self.compare("--reuse-answers", first)
        self.assertEqual(len(self.server.requests), asked)
        for answer in read_jsonl(self.out / "answers.jsonl"):
            self.assertIn(str(first), answer["reused_from"])

    def test_one_question(self):
        done = visavis("run", f"{self.url}#good", "-p", "twice 21 is", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        self.assertEqual((found["text"], found["finish"]), ("42", "stop"))

    def test_bad_endpoints_are_refused_in_one_line(self):
        for model, more, wanted in (
                (f"{self.url}#gone", [], "no model 'gone'"),
                ("http://127.0.0.1:1/v1#m", [], "cannot reach endpoint"),
                (f"{self.url}#good", ["--api-key-env", KEY], "environment variable"),
                (f"http://me:{KEY}@127.0.0.1/v1#m", [], "api_key_env")):
            done = visavis("compare", model, "--suite", self.folder / "twice.jsonl", "--out",
                           self.folder / f"refused-{wanted[:3]}-{len(more)}", *more)
            self.assertIn(done.returncode, (1, 2))
            self.assertIn(wanted, done.stderr)
            self.assertNotIn(KEY, done.stderr)


if __name__ == "__main__":
    unittest.main()
