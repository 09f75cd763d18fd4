#include "harness/store/schema.h"

namespace visavis::store {

const char* const kSchema = R"sql(
CREATE TABLE run (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  description TEXT NOT NULL, plan TEXT NOT NULL, seed INTEGER NOT NULL, warmup INTEGER NOT NULL,
  schedule TEXT NOT NULL, judgement TEXT NOT NULL, limits TEXT NOT NULL, lang TEXT NOT NULL,
  machine TEXT NOT NULL, build TEXT NOT NULL, created_at TEXT NOT NULL, state TEXT NOT NULL
) STRICT;
CREATE TABLE sessions (
  id INTEGER PRIMARY KEY,
  started_at TEXT NOT NULL, load_seconds REAL NOT NULL, warmup_seconds REAL NOT NULL,
  wall_seconds REAL NOT NULL, ending TEXT NOT NULL
) STRICT;
CREATE TABLE models (
  id INTEGER PRIMARY KEY,
  label TEXT NOT NULL UNIQUE, provider TEXT NOT NULL, options TEXT NOT NULL,
  name TEXT NOT NULL, architecture TEXT NOT NULL, device TEXT NOT NULL, weights TEXT NOT NULL,
  weights_sha256 TEXT NOT NULL, context INTEGER NOT NULL, checkpoint_bytes INTEGER NOT NULL,
  parameters INTEGER NOT NULL, load_seconds REAL NOT NULL,
  weights_bytes INTEGER NOT NULL, vision_bytes INTEGER NOT NULL, kv_bytes INTEGER NOT NULL,
  workspace_bytes INTEGER NOT NULL, device_peak_bytes INTEGER NOT NULL,
  host_peak_bytes INTEGER NOT NULL, multi_image_trained INTEGER NOT NULL
) STRICT;
CREATE TABLE suites (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE, title_en TEXT NOT NULL, title_zh TEXT NOT NULL,
  description_en TEXT NOT NULL, description_zh TEXT NOT NULL
) STRICT;
CREATE TABLE scenarios (
  suite INTEGER NOT NULL REFERENCES suites (id), position INTEGER NOT NULL, id TEXT NOT NULL,
  title_en TEXT NOT NULL, title_zh TEXT NOT NULL, graded INTEGER NOT NULL,
  PRIMARY KEY (suite, id)
) STRICT;
CREATE TABLE items (
  id INTEGER PRIMARY KEY,
  suite INTEGER NOT NULL REFERENCES suites (id), question_id TEXT NOT NULL,
  scenario TEXT NOT NULL, lang TEXT NOT NULL, difficulty INTEGER NOT NULL, cluster TEXT NOT NULL,
  images TEXT NOT NULL, picture_sha256 TEXT NOT NULL, question TEXT NOT NULL,
  grader TEXT NOT NULL, key TEXT NOT NULL, max_tokens INTEGER NOT NULL
) STRICT;
CREATE TABLE answers (
  model INTEGER NOT NULL REFERENCES models (id), item INTEGER NOT NULL REFERENCES items (id),
  session INTEGER NOT NULL REFERENCES sessions (id), sequence INTEGER NOT NULL UNIQUE,
  failure TEXT NOT NULL, text TEXT NOT NULL, thinking TEXT NOT NULL, finish TEXT NOT NULL,
  characters INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL, image_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  image_decode_s REAL NOT NULL, image_resize_s REAL NOT NULL, vision_s REAL NOT NULL,
  prefill_s REAL NOT NULL, ttft_s REAL NOT NULL, ttft_device_s REAL NOT NULL,
  tpot_s REAL NOT NULL, e2e_s REAL NOT NULL, token_times TEXT NOT NULL,
  weights_bytes INTEGER NOT NULL, vision_bytes INTEGER NOT NULL, kv_bytes INTEGER NOT NULL,
  workspace_bytes INTEGER NOT NULL, device_peak_bytes INTEGER NOT NULL,
  host_peak_bytes INTEGER NOT NULL,
  prompt_sha256 TEXT NOT NULL, notes TEXT NOT NULL,
  PRIMARY KEY (model, item)
) STRICT;
CREATE TABLE grades (
  model INTEGER NOT NULL, item INTEGER NOT NULL,
  grader TEXT NOT NULL, score REAL NOT NULL, verdict TEXT NOT NULL, rule TEXT NOT NULL,
  normalised TEXT NOT NULL, raw_match INTEGER NOT NULL, evidence TEXT NOT NULL,
  PRIMARY KEY (model, item),
  FOREIGN KEY (model, item) REFERENCES answers (model, item)
) STRICT;
CREATE TABLE warmups (
  session INTEGER NOT NULL REFERENCES sessions (id), model INTEGER NOT NULL REFERENCES models (id),
  item INTEGER NOT NULL REFERENCES items (id), e2e_s REAL NOT NULL, failure TEXT NOT NULL
) STRICT;
)sql";

namespace {

const char* const kRevisits = R"sql(
CREATE TABLE revisits (
  model INTEGER NOT NULL, item INTEGER NOT NULL,
  session INTEGER NOT NULL REFERENCES sessions (id), failure TEXT NOT NULL,
  prompt_tokens INTEGER NOT NULL, image_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  cached_prompt_tokens INTEGER NOT NULL, cached_image_tokens INTEGER NOT NULL,
  image_decode_s REAL NOT NULL, image_resize_s REAL NOT NULL, vision_s REAL NOT NULL,
  prefill_s REAL NOT NULL, ttft_s REAL NOT NULL, ttft_device_s REAL NOT NULL,
  tpot_s REAL NOT NULL, e2e_s REAL NOT NULL, same INTEGER NOT NULL,
  PRIMARY KEY (model, item),
  FOREIGN KEY (model, item) REFERENCES answers (model, item)
) STRICT;
)sql";

const char* const kMeasurements = R"sql(
ALTER TABLE sessions ADD COLUMN energy_joules REAL NOT NULL DEFAULT -1;
ALTER TABLE answers ADD COLUMN energy_joules REAL NOT NULL DEFAULT -1;
ALTER TABLE models ADD COLUMN effort TEXT NOT NULL DEFAULT '{}';
CREATE TABLE fixed_length (
  model INTEGER NOT NULL, item INTEGER NOT NULL,
  session INTEGER NOT NULL REFERENCES sessions (id), failure TEXT NOT NULL,
  completion_tokens INTEGER NOT NULL, characters INTEGER NOT NULL,
  ttft_s REAL NOT NULL, tpot_s REAL NOT NULL, e2e_s REAL NOT NULL,
  PRIMARY KEY (model, item),
  FOREIGN KEY (model, item) REFERENCES answers (model, item)
) STRICT;
CREATE TABLE fidelity (
  model INTEGER PRIMARY KEY REFERENCES models (id), measured TEXT NOT NULL
) STRICT;
)sql";

const char* const kOpinions = R"sql(
ALTER TABLE models ADD COLUMN remote INTEGER NOT NULL DEFAULT 0;
ALTER TABLE models ADD COLUMN price_prompt REAL NOT NULL DEFAULT -1;
ALTER TABLE models ADD COLUMN price_completion REAL NOT NULL DEFAULT -1;
ALTER TABLE models ADD COLUMN family TEXT NOT NULL DEFAULT '';
ALTER TABLE items ADD COLUMN sample INTEGER NOT NULL DEFAULT 0;
ALTER TABLE answers ADD COLUMN content_key TEXT NOT NULL DEFAULT '';
ALTER TABLE answers ADD COLUMN reused_from TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX items_once ON items (suite, question_id, sample);
CREATE TABLE judgements (
  kind TEXT NOT NULL, item INTEGER NOT NULL REFERENCES items (id),
  first INTEGER NOT NULL REFERENCES models (id), second INTEGER NOT NULL,
  judge TEXT NOT NULL, content_key TEXT NOT NULL, outcome TEXT NOT NULL, reply TEXT NOT NULL,
  prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, seconds REAL NOT NULL,
  cost REAL NOT NULL, reused INTEGER NOT NULL, given_at TEXT NOT NULL,
  PRIMARY KEY (kind, item, first, second, judge)
) STRICT;
CREATE TABLE human_verdicts (
  id INTEGER PRIMARY KEY,
  item INTEGER NOT NULL REFERENCES items (id), model INTEGER NOT NULL REFERENCES models (id),
  verdict TEXT NOT NULL, who TEXT NOT NULL, given_at TEXT NOT NULL, note TEXT NOT NULL
) STRICT;
CREATE TABLE human_votes (
  id INTEGER PRIMARY KEY,
  item INTEGER NOT NULL REFERENCES items (id), first INTEGER NOT NULL REFERENCES models (id),
  second INTEGER NOT NULL REFERENCES models (id), score REAL NOT NULL,
  who TEXT NOT NULL, given_at TEXT NOT NULL, note TEXT NOT NULL
) STRICT;
)sql";

}  // namespace

const std::array<Addition, 5> kAdditions = {{
    {2, kRevisits},
    {3, "ALTER TABLE models ADD COLUMN from_cache INTEGER NOT NULL DEFAULT 0"},
    {4, kMeasurements},
    {5, kOpinions},
    {6, "ALTER TABLE revisits ADD COLUMN wall_s REAL NOT NULL DEFAULT -1"},
}};

}  // namespace visavis::store
