"""Machines whose NVIDIA driver is missing, too old or without a card: one line, or the CPU with --device auto.

The driver is a stub (driver_stub.c) in front of the machine's own. In a build without CUDA only the first test runs.
"""
import os
import pathlib
import subprocess
import tempfile
import unittest

from program import LLAVA, PICTURE, PROGRAM, visavis

NO_DEVICE = "100"  # CUDA_ERROR_NO_DEVICE
UNKNOWN = "999"  # CUDA_ERROR_UNKNOWN


def run_on(device, **environment):
    return subprocess.run(
        [PROGRAM, "run", LLAVA, "-i", str(PICTURE), "-p", "What is this?", "--max-tokens", "2",
         "--device", device],
        capture_output=True, text=True, timeout=300, check=False, env={**os.environ, **environment},
    )


def has_cuda():
    return "has no CUDA" not in run_on("cuda").stderr


class Driver(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        source = pathlib.Path(__file__).with_name("driver_stub.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", f"{cls.folder}/libcuda.so.1", source], check=True)

    def run_with(self, device, version, start="0"):
        return run_on(device, LD_LIBRARY_PATH=self.folder, STUB_VERSION=str(version), STUB_INIT=start)

    def assert_refused(self, done, *wanted):
        self.assertEqual(done.returncode, 1, done.stderr)
        lines = [line for line in done.stderr.splitlines() if line.startswith("visavis: ")]
        self.assertEqual(len(lines), 1, done.stderr)
        for word in wanted:
            self.assertIn(word, lines[0])

    def test_a_build_without_cuda_says_so(self):
        if has_cuda():
            self.skipTest("this build has CUDA")
        self.assert_refused(run_on("cuda"), "CUDA")
        self.assertEqual(visavis("run", LLAVA, "-p", "Hi", "--max-tokens", "1", "--device", "auto").returncode, 0)

    def test_a_driver_that_is_too_old_is_told_with_both_versions(self):
        if not has_cuda():
            self.skipTest("this build has no CUDA")
        self.assert_refused(self.run_with("cuda", 11040), "driver knows CUDA 11.4", "needs 1", "newer driver")

    def test_a_driver_without_a_card(self):
        if not has_cuda():
            self.skipTest("this build has no CUDA")
        self.assert_refused(self.run_with("cuda", 99000, NO_DEVICE), "finds no device")

    def test_a_driver_that_fails(self):
        if not has_cuda():
            self.skipTest("this build has no CUDA")
        self.assert_refused(self.run_with("cuda", 99000, UNKNOWN), "cudaErrorUnknown")

    def test_auto_takes_the_cpu_and_says_why(self):
        if not has_cuda():
            self.skipTest("this build has no CUDA")
        done = self.run_with("auto", 11040)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("driver knows CUDA 11.4", done.stderr)
        self.assertIn("--device auto takes the CPU", done.stderr)
        self.assertTrue(done.stdout.strip())


if __name__ == "__main__":
    unittest.main()
