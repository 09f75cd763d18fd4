#include "chat/completion.h"

namespace visavis::chat {

const char* name_of(Finish finish) {
  switch (finish) {
    case Finish::stop:
      return "stop";
    case Finish::length:
      return "length";
    case Finish::cancelled:
      return "cancelled";
  }
  return "stop";
}

}  // namespace visavis::chat
