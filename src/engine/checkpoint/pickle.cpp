// The machine behind run_pickle. Its values live in one list until the program ends, so that a
// program may build cycles and towers of tuples without anybody walking down them.
#include <cstring>
#include <deque>
#include <map>
#include <unordered_map>

#include "base/error.h"
#include "engine/checkpoint/pytorch.h"

namespace visavis::checkpoint {
namespace {

using tensor::DType;

struct Storage {
  DType dtype = DType::f32;
  std::string key;
  int64_t count = 0;
};

enum class Kind { none, number, text, mark, tuple, list, dict, name, storage, tensor };

struct Value {
  Kind kind = Kind::none;
  int64_t number = 0;  // numbers and booleans; a name's row in kNames
  std::string text = {};
  std::vector<Value*> items = {};  // of tuples and lists; of dicts key, value, key, value
  Storage storage = {};            // of storages and tensors
  tensor::Shape shape = {};        // of tensors
  int64_t first = 0;
};

// The only names that a program may use. Storages have an element type.
struct Name {
  std::string_view module;
  std::string_view name;
  enum class Use { rebuild, parameter, dict, storage } use;
  DType dtype = DType::f32;
};
using Use = Name::Use;
constexpr Name kNames[] = {
    {"torch._utils", "_rebuild_tensor_v2", Use::rebuild},
    {"torch._utils", "_rebuild_parameter", Use::parameter},
    {"collections", "OrderedDict", Use::dict},
    {"torch", "FloatStorage", Use::storage, DType::f32},
    {"torch", "HalfStorage", Use::storage, DType::f16},
    {"torch", "BFloat16Storage", Use::storage, DType::bf16},
    {"torch", "DoubleStorage", Use::storage, DType::f64},
    {"torch", "LongStorage", Use::storage, DType::i64},
    {"torch", "IntStorage", Use::storage, DType::i32},
    {"torch", "ShortStorage", Use::storage, DType::i16},
    {"torch", "CharStorage", Use::storage, DType::i8},
    {"torch", "ByteStorage", Use::storage, DType::u8},
    {"torch", "BoolStorage", Use::storage, DType::boolean},
};

std::string printable(std::string_view text) {
  std::string out(text.substr(0, 200));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 32) c = '?';
  return out;
}

class Machine {
 public:
  Machine(std::span<const std::byte> program, const std::string& file)
      : program_(program), file_(file) {}

  std::vector<PickledTensor> run() {
    while (step(static_cast<unsigned char>(take(1)[0]))) {
    }
    require(stack_.size() == 1, file_, ": the pickle leaves ", stack_.size(),
            " values, wanted one dictionary");
    return tensors_of(*stack_.back());
  }

 private:
  std::string_view take(uint64_t count) {
    require(count <= program_.size() - at_, file_, ": the pickle ends inside a value (truncated?)");
    const char* begin = reinterpret_cast<const char*>(program_.data()) + at_;
    at_ += static_cast<size_t>(count);
    return {begin, static_cast<size_t>(count)};
  }

  template <class T>
  T number() {
    const std::string_view bytes = take(sizeof(T));
    T value;
    std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }

  // Up to the end of the line, which is taken, too.
  std::string_view line() {
    const std::string_view rest(reinterpret_cast<const char*>(program_.data()) + at_,
                                program_.size() - at_);
    const size_t length = rest.find('\n');
    require(length != std::string_view::npos, file_, ": the pickle ends inside a name");
    at_ += length + 1;
    return rest.substr(0, length);
  }

  Value* make(Kind kind) {
    values_.emplace_back();
    values_.back().kind = kind;
    return &values_.back();
  }
  void push(Value* value) { stack_.push_back(value); }
  void push_number(int64_t number) {
    push(make(Kind::number));
    stack_.back()->number = number;
  }
  void push_text(std::string_view text) {
    push(make(Kind::text));
    stack_.back()->text = text;
  }
  Value* pop() {
    require(!stack_.empty(), file_, ": the pickle takes from an empty stack");
    Value* value = stack_.back();
    stack_.pop_back();
    return value;
  }
  Value* pop(Kind kind, const char* wanted) {
    Value* value = pop();
    require(value->kind == kind, file_, ": the pickle gives something else where ", wanted,
            " is wanted");
    return value;
  }
  // Everything above the last mark, which goes, too.
  std::vector<Value*> pop_marked() {
    size_t begin = stack_.size();
    while (begin > 0 && stack_[begin - 1]->kind != Kind::mark) --begin;
    require(begin > 0, file_, ": the pickle closes what it did not open");
    std::vector<Value*> items(stack_.begin() + static_cast<ptrdiff_t>(begin), stack_.end());
    stack_.resize(begin - 1);
    return items;
  }
  void push_tuple(size_t count) {
    Value* tuple = make(Kind::tuple);
    tuple->items.resize(count);
    for (size_t i = count; i-- > 0;) tuple->items[i] = pop();
    push(tuple);
  }
  void put(uint32_t slot) {
    require(!stack_.empty(), file_, ": the pickle remembers from an empty stack");
    memo_[slot] = stack_.back();
  }
  void get(uint32_t slot) {
    const auto found = memo_.find(slot);
    require(found != memo_.end(), file_, ": the pickle asks for value ", slot,
            ", which it did not make");
    push(found->second);
  }
  void append(const std::vector<Value*>& items, Kind kind, const char* wanted) {
    Value* to = pop(kind, wanted);
    require(kind != Kind::dict || items.size() % 2 == 0, file_,
            ": the pickle gives a key without a value");
    to->items.insert(to->items.end(), items.begin(), items.end());
    push(to);
  }

  void push_name(std::string_view module, std::string_view name) {
    for (size_t i = 0; i < std::size(kNames); ++i) {
      if (kNames[i].module != module || kNames[i].name != name) continue;
      push(make(Kind::name));
      stack_.back()->number = static_cast<int64_t>(i);
      return;
    }
    fail(file_, ": the pickle wants '", printable(module), ".", printable(name),
         "', which is not allowed: only tensors and dictionaries of them are read");
  }

  // ('storage', type, key, device, count)
  void push_storage() {
    const Value* id = pop(Kind::tuple, "a storage");
    const bool fits = id->items.size() == 5 && id->items[0]->kind == Kind::text &&
                      id->items[0]->text == "storage" && id->items[1]->kind == Kind::name &&
                      kNames[id->items[1]->number].use == Use::storage &&
                      id->items[2]->kind == Kind::text && id->items[4]->kind == Kind::number;
    require(fits, file_, ": the pickle's storage is not (type, key, device, count)");
    require(id->items[4]->number >= 0, file_, ": storage '", printable(id->items[2]->text),
            "' has ", id->items[4]->number, " elements");
    push(make(Kind::storage));
    stack_.back()->storage = {kNames[id->items[1]->number].dtype, id->items[2]->text,
                              id->items[4]->number};
  }

  // Calls nothing: three names have a meaning.
  void reduce() {
    const Value* arguments = pop(Kind::tuple, "a tuple of arguments");
    const Value* name = pop(Kind::name, "a name");
    const std::vector<Value*>& items = arguments->items;
    switch (kNames[name->number].use) {
      case Use::dict:
        require(items.empty(), file_, ": the pickle makes an OrderedDict with arguments");
        push(make(Kind::dict));
        return;
      case Use::parameter:
        require(!items.empty() && items[0]->kind == Kind::tensor, file_,
                ": the pickle makes a parameter of something else than a tensor");
        push(items[0]);
        return;
      case Use::rebuild:
        push(rebuilt(items));
        return;
      case Use::storage:
        fail(file_, ": the pickle calls a storage type");
    }
  }

  // (storage, offset, shape, strides, ...)
  Value* rebuilt(const std::vector<Value*>& items) {
    const bool fits = items.size() >= 4 && items[0]->kind == Kind::storage &&
                      items[1]->kind == Kind::number && items[2]->kind == Kind::tuple &&
                      items[3]->kind == Kind::tuple;
    require(fits, file_, ": the pickle's tensor is not (storage, offset, shape, strides)");
    Value* tensor = make(Kind::tensor);
    tensor->storage = items[0]->storage;
    tensor->first = items[1]->number;
    const std::vector<Value*>& shape = items[2]->items;
    const std::vector<Value*>& strides = items[3]->items;
    require(shape.size() == strides.size() && shape.size() <= tensor::Shape::kMaxRank, file_,
            ": a tensor of storage '", printable(tensor->storage.key), "' has ", shape.size(),
            " extents and ", strides.size(), " strides, wanted as many, at most ",
            tensor::Shape::kMaxRank);
    for (const Value* extent : shape) {
      require(extent->kind == Kind::number && extent->number >= 0, file_,
              ": the pickle's shape holds something that is not a size");
      tensor->shape.push_back(extent->number);
    }
    const int64_t most = tensor->storage.count;
    int64_t count = 1;
    for (size_t i = shape.size(); i-- > 0;) {
      const int64_t extent = shape[i]->number;
      require(strides[i]->kind == Kind::number && (extent <= 1 || strides[i]->number == count),
              file_, ": a tensor of storage '", printable(tensor->storage.key), "' and shape ",
              tensor->shape.text(), " is not contiguous");
      require(extent == 0 || count <= most / extent, file_, ": a tensor of shape ",
              tensor->shape.text(), " does not fit storage '", printable(tensor->storage.key),
              "' of ", most, " elements");
      count *= extent;
    }
    require(tensor->first >= 0 && tensor->first <= most - count, file_, ": a tensor of shape ",
            tensor->shape.text(), " begins at element ", tensor->first, " of storage '",
            printable(tensor->storage.key), "', which has ", most);
    return tensor;
  }

  // One opcode; false after the last.
  bool step(unsigned char code) {
    switch (code) {
      case 0x80:  // PROTO
        take(1);
        return true;
      case 0x95:  // FRAME
        take(8);
        return true;
      case '.':
        return false;
      case 'N':
        push(make(Kind::none));
        return true;
      case 0x88:
      case 0x89:
        push_number(code == 0x88 ? 1 : 0);
        return true;
      case 'J':
        push_number(number<int32_t>());
        return true;
      case 'K':
        push_number(number<uint8_t>());
        return true;
      case 'M':
        push_number(number<uint16_t>());
        return true;
      case 0x8a: {  // LONG1: little-endian, two's complement
        const std::string_view bytes = take(number<uint8_t>());
        require(bytes.size() <= 8, file_, ": the pickle holds a number of ", bytes.size(),
                " bytes, wanted at most 8");
        const bool negative = !bytes.empty() && static_cast<signed char>(bytes.back()) < 0;
        uint64_t value = negative ? ~uint64_t{0} : 0;
        for (size_t i = bytes.size(); i-- > 0;)
          value = value << 8 | static_cast<unsigned char>(bytes[i]);
        push_number(static_cast<int64_t>(value));
        return true;
      }
      case 'G':  // a float, which no tensor needs
        take(8);
        push(make(Kind::none));
        return true;
      case 'X':
        push_text(take(number<uint32_t>()));
        return true;
      case 0x8c:
        push_text(take(number<uint8_t>()));
        return true;
      case '(':
        push(make(Kind::mark));
        return true;
      case ')':
        push_tuple(0);
        return true;
      case 0x85:
      case 0x86:
      case 0x87:
        push_tuple(code - 0x84u);
        return true;
      case 't': {
        std::vector<Value*> items = pop_marked();
        push(make(Kind::tuple));
        stack_.back()->items = std::move(items);
        return true;
      }
      case '}':
        push(make(Kind::dict));
        return true;
      case ']':
        push(make(Kind::list));
        return true;
      case 'a':
        append({pop()}, Kind::list, "a list");
        return true;
      case 'e':
        append(pop_marked(), Kind::list, "a list");
        return true;
      case 's': {
        Value* value = pop();
        Value* key = pop();
        append({key, value}, Kind::dict, "a dictionary");
        return true;
      }
      case 'u':
        append(pop_marked(), Kind::dict, "a dictionary");
        return true;
      case 'b':  // BUILD: attributes of a dictionary (_metadata), which nobody reads
        pop();
        push(pop(Kind::dict, "a dictionary"));
        return true;
      case 'q':
        put(number<uint8_t>());
        return true;
      case 'r':
        put(number<uint32_t>());
        return true;
      case 0x94:  // MEMOIZE
        put(static_cast<uint32_t>(memo_.size()));
        return true;
      case 'h':
        get(number<uint8_t>());
        return true;
      case 'j':
        get(number<uint32_t>());
        return true;
      case 'c': {
        const std::string_view module = line();
        push_name(module, line());
        return true;
      }
      case 0x93: {  // STACK_GLOBAL
        const Value* name = pop(Kind::text, "a name");
        const Value* module = pop(Kind::text, "a module");
        push_name(module->text, name->text);
        return true;
      }
      case 'Q':
        push_storage();
        return true;
      case 'R':
        reduce();
        return true;
      default:
        fail(file_, ": the pickle has opcode ", static_cast<int>(code), " at byte ", at_ - 1,
             ", which is not allowed");
    }
  }

  std::vector<PickledTensor> tensors_of(const Value& top) const {
    const Value* dict = &top;
    const auto is_wrapper = [](const Value& value) {
      return value.kind == Kind::dict && value.items.size() == 2 &&
             value.items[0]->kind == Kind::text && value.items[1]->kind == Kind::dict &&
             (value.items[0]->text == "state_dict" || value.items[0]->text == "model");
    };
    if (is_wrapper(top)) dict = top.items[1];
    require(dict->kind == Kind::dict, file_, ": the pickle builds no dictionary of tensors");
    std::map<std::string, const Value*> named;  // the last of a name counts, as in Python
    for (size_t i = 0; i + 1 < dict->items.size(); i += 2) {
      const Value* key = dict->items[i];
      const Value* value = dict->items[i + 1];
      require(key->kind == Kind::text && value->kind == Kind::tensor, file_,
              ": the dictionary's entry ", i / 2, " is no tensor with a name");
      named[key->text] = value;
    }
    std::vector<PickledTensor> tensors;
    for (const auto& [name, value] : named)
      tensors.push_back({name, value->storage.dtype, value->shape, value->storage.key,
                         value->storage.count, value->first});
    return tensors;
  }

  std::span<const std::byte> program_;
  const std::string& file_;
  size_t at_ = 0;
  std::deque<Value> values_;
  std::vector<Value*> stack_;
  std::unordered_map<uint32_t, Value*> memo_;
};

}  // namespace

std::vector<PickledTensor> run_pickle(std::span<const std::byte> program, const std::string& file) {
  require(program.size() <= static_cast<size_t>(kMaxPickle), file, ": its pickle has ",
          program.size(), " bytes, wanted at most ", kMaxPickle);
  return Machine(program, file).run();
}

}  // namespace visavis::checkpoint
