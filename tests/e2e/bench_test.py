"""bench measures every part of a tiny model, in JSON that other programs read."""
import json
import unittest

from program import visavis

QUICK = ["--prompt", "16", "--tokens", "3", "--repeat", "2", "--seconds", "1"]


class Bench(unittest.TestCase):
    def assert_spread(self, spread):
        self.assertGreaterEqual(spread["runs"], 1)
        self.assertGreater(spread["min"], 0)
        self.assertLessEqual(spread["min"], spread["median"])
        self.assertLessEqual(spread["median"], spread["max"])

    def assert_measured(self, row, *rates):
        self.assert_spread(row["s"])
        for rate in (*rates, "gop_per_s", "share", "share_of_compute"):
            self.assertGreater(row[rate], 0, rate)
        self.assertGreater(row["work"]["attention_ops"], 0)
        self.assertGreater(row["work"]["weight_bytes"], 0)

    def test_every_part_of_both_families(self):
        for shape in ("qwen3-vl-tiny", "llava-tiny"):
            done = visavis("bench", "--shape", shape, "--batch", "1,2", "--context", "0,100",
                           "--pictures", "64,128", *QUICK, "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            found = json.loads(done.stdout)
            self.assertIn(shape, found["model"])
            for rate in ("read_bytes_per_s", "f32_flop_per_s", "int8_op_per_s"):
                self.assertGreater(found["ceilings"][rate], 0)
            self.assert_spread(found["load"]["load_s"])
            self.assertGreater(found["load"]["source_gb_per_s"], 0)
            self.assertGreater(found["memory"]["planned_bytes"], 0)
            self.assertIn("linear dense", found["kernels"])
            self.assertIn("compiler", found["build"])
            self.assertFalse(found["stopped"])
            cases = {part: [row for row in found["cases"] if row["part"] == part]
                     for part in ("prompt", "generation", "vision")}
            for part in ("prompt", "generation"):
                self.assertEqual([(row["batch"], row["context"]) for row in cases[part]],
                                 [(1, 0), (1, 100), (2, 0), (2, 100)])
                for row in cases[part]:
                    self.assert_measured(row, "tok_per_s", "gb_per_s", "bytes_per_step",
                                         "share_of_read")
            self.assertEqual([row["picture"] for row in cases["vision"]], [64, 128])
            for row in cases["vision"]:
                self.assert_measured(row, "patches", "image_tokens", "prepare_s")

    def test_the_bytes_of_a_step(self):
        """A step reads the weights once, whatever the batch, and every sequence's cache."""
        done = visavis("bench", "--shape", "qwen3-vl-tiny", "--only", "generation", "--batch",
                       "1,2", "--context", "64", *QUICK, "--json")
        one, two = json.loads(done.stdout)["cases"]
        self.assertEqual(one["work"]["weight_bytes"], two["work"]["weight_bytes"])
        self.assertEqual(2 * one["work"]["kv_bytes"], two["work"]["kv_bytes"])
        # 4 layers, 2 heads of 64 values, keys and values of 2 bytes, for 65, 66 and 67 positions.
        self.assertEqual(one["work"]["kv_bytes"], 4 * 2 * 64 * 2 * 2 * (65 + 66 + 67))

    def test_a_table_for_people(self):
        done = visavis("bench", "--shape", "llava-tiny", "--only", "load,generation", "--batch",
                       "1", "--context", "0", *QUICK)
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("ceilings", "load", "memory", "generation"):
            self.assertIn(word, done.stdout)
        self.assertNotIn("vision  ", done.stdout)

    def test_a_case_that_takes_too_long_is_left_out_aloud(self):
        done = visavis("bench", "--shape", "llava-tiny", "--only", "vision", "--pictures", "64",
                       *QUICK, "--longest", "0.000001", "--json")
        (row,) = json.loads(done.stdout)["cases"]
        self.assertIn("--longest", row["left_out"])

    def test_wrong_usage_is_one_line(self):
        for arguments in ([], ["demo-llava", "--shape", "llava-tiny"],
                          ["demo-llava", "--ctx", "100"], ["demo-llava", "--cache"]):
            done = visavis("bench", *arguments)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertEqual(done.stdout, "")

    def test_an_unknown_shape_names_the_known_ones(self):
        done = visavis("bench", "--shape", "qwen9")
        self.assertEqual(done.returncode, 1)
        self.assertIn("qwen3-vl-8b", done.stderr)


if __name__ == "__main__":
    unittest.main()
