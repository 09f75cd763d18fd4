// How work that the user ended says so: not a failure, and what is there stays.
#pragma once

#include "base/error.h"

namespace visavis::hub {

class Stopped : public Error {
 public:
  Stopped() : Error("stopped") {}
};

}  // namespace visavis::hub
