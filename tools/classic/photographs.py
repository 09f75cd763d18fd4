"""Four photographs free of copyright. No scene description gives their keys, so answers are shown and not graded."""

from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[2] / "suites/demo/photographs"
SOURCES = [(f"photo-{name}", _FOLDER / file) for name, file in
           (("astronaut", "astronaut.png"), ("cat", "chelsea.png"), ("coffee", "coffee.png"), ("rocket", "rocket.jpg"))]
_QUESTIONS = {"zh": "请描述这张照片。", "en": "Describe this photograph."}


def items():
    return [
        {"id": f"{name}-{number + 1}", "scenario": "photographs", "lang": lang, "difficulty": 2, "cluster": name,
         "images": [f"pictures/{name}.webp"], "question": question, "grader": "shown"}
        for name, _ in SOURCES
        for number, (lang, question) in enumerate(_QUESTIONS.items())
    ]
