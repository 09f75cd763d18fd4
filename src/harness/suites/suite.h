// Questions and suites as plain data. Suites never name models. Readers of files are listed in
// formats.cpp; start with load_suite() there.
#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "chat/request.h"

namespace visavis::suites {

/// A text in the languages of reports; either may be empty.
struct Titles {
  std::string en;
  std::string zh;
};

/// What one question belongs to. Answers of a scenario that is not graded are shown, never scored.
struct Scenario {
  std::string id;
  Titles title;
  bool graded = true;
};

/// A picture or a video that a question refers to. Only its place is kept; pictures.h reads it.
struct Picture {
  std::string name;            // as the suite spells it
  std::filesystem::path path;  // where it lies
  // Or where in that file it stands as base64; no length: the file is the picture.
  int64_t offset = 0;
  int64_t length = 0;
  double frame_rate = 0;  // 0: a picture; else a video file, or a folder of so many frames a second

  friend bool operator==(const Picture&, const Picture&) = default;
  friend auto operator<=>(const Picture&, const Picture&) = default;
};

/// One thing that an answer may mention, in any of these wordings.
struct Fact {
  std::vector<std::string> any;
};

struct Key;

/// One of several things that are asked of the same answer.
struct KeyPart {
  std::string grader;
  bool negated = false;  // it must not be fully right by that grader
  double weight = 1;
  std::vector<Key> keys;  // exactly one: only a vector may hold what is defined below
};

/// The answer key. Which parts a question needs depends on its grader.
struct Key {
  std::vector<std::string> answers = {};         // exact, contains, regex ...: any of them is right
  std::vector<std::string> options = {};         // choice: A, B, ...; empty: there is none
  std::vector<Fact> facts = {};                  // facts: what should be said
  std::vector<std::string> contradictions = {};  // facts: what must not be said
  std::vector<Fact> changes = {};                // changes: what differs between the pictures
  std::vector<Fact> distractors = {};            // changes: what does not differ
  std::string schema = {};                       // schema: the JSON Schema, as JSON
  std::optional<double> facts_full = {};         // facts: cut-offs of this question's own
  std::optional<double> facts_partial = {};
  std::vector<KeyPart> parts = {};  // all: what is asked of the answer, each by its own grader
};

/// A piece of a conversation: a text, or the picture at that place of Question::images.
struct Piece {
  std::string text;
  int image = -1;  // -1: a text
};

/// A turn of a conversation that is given, the last one being the question.
struct Turn {
  chat::Role role = chat::Role::user;
  std::vector<Piece> pieces;
};

struct Question {
  std::string id;  // unique within the suite
  std::string scenario;
  std::string lang = "en";
  int difficulty = 1;   // 1 easy .. 3 hard
  std::string cluster;  // questions about the same source share it
  std::vector<Picture> images;
  std::string question;
  std::string grader;
  Key key;
  std::string hint;         // that `question` begins with, if it has options
  std::string stem;         // `question` without hint and options
  std::string rotation_of;  // the question that this is a rotated copy of, or the original itself;
                            // empty: there are no copies
  int64_t line = 0;         // where it stands in the suite's file; 0: nowhere
  std::vector<Turn> turns;  // the whole conversation; empty: the pictures, then `question`
};

struct Suite {
  std::string name;
  Titles title;
  Titles description;
  std::vector<Scenario> scenarios;
  std::optional<int> max_tokens;
  std::vector<Question> questions;
  std::filesystem::path source;  // the file that was read
  std::vector<Titles> notes;     // what a reader of its figures must know
};

/// "items.jsonl:12: question 'desk-3'", for errors about a question.
std::string place_of(const Suite& suite, const Question& question);

}  // namespace visavis::suites
