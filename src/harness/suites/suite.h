// Questions and suites as plain data. Suites never name models. Readers of files are listed in
// formats.cpp; start with load_suite() there.
#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

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

/// A picture that a question refers to. Only its place is kept; pictures.h reads it.
struct Picture {
  std::string name;            // as the suite spells it
  std::filesystem::path path;  // where it lies
  // Or where in that file it stands as base64; no length: the file is the picture.
  int64_t offset = 0;
  int64_t length = 0;

  friend bool operator==(const Picture&, const Picture&) = default;
  friend auto operator<=>(const Picture&, const Picture&) = default;
};

/// One thing that an answer may mention, in any of these wordings.
struct Fact {
  std::vector<std::string> any;
};

/// The answer key. Which parts a question needs depends on its grader.
struct Key {
  std::vector<std::string> answers = {};         // exact, contains: any of them is right
  std::vector<std::string> options = {};         // choice: A, B, ...; empty: there is none
  std::vector<Fact> facts = {};                  // facts: what should be said
  std::vector<std::string> contradictions = {};  // facts: what must not be said
  std::vector<Fact> changes = {};                // changes: what differs between the pictures
  std::vector<Fact> distractors = {};            // changes: what does not differ
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

}  // namespace visavis::suites
