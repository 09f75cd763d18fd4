// What one client may ask for and how long it may take. Plain numbers; visavis serve sets some of
// them, tests set others.
#pragma once

#include <cstddef>
#include <cstdint>

namespace visavis::server {

struct Limits {
  int64_t max_body_bytes = 32'000'000;     // of one request
  int64_t max_bodies_bytes = 512'000'000;  // of all requests that are being read or answered
  size_t max_pictures = 16;                // in one request
  int64_t max_picture_bytes = 20'000'000;  // of one picture file
  size_t max_messages = 1024;
  int max_choices = 16;       // n
  int max_stops = 16;         // stop strings
  int max_top_logprobs = 20;  // as OpenAI allows
  size_t max_waiting = 64;    // requests that wait for one model
  size_t max_connections = 512;
  double header_seconds = 10;   // to send the head of a request
  double body_seconds = 60;     // to send the rest
  double idle_seconds = 75;     // between requests of one connection
  double write_seconds = 30;    // for the client to take some of what is sent
  double answer_seconds = 600;  // for an answer, waiting included
  double drain_seconds = 5;     // to read what a refused client still sends
  double stop_seconds = 10;     // for answers to end when the server stops
};

}  // namespace visavis::server
