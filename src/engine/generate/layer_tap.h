// Stands between models and their backend and keeps, while somebody wants them, some rows of what
// every layer puts out. A layer of a decoder or a vision tower ends by adding its MLP to the state,
// and mergers and projectors are MLPs, so that these operations tell. Not for several requests at
// once: rows do not say whose they are.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "chat/scorer.h"
#include "engine/ops/forwarding_ops.h"

namespace visavis::generate {

class LayerTap : public ops::ForwardingOps {
 public:
  explicit LayerTap(std::unique_ptr<ops::Ops> inner) : ForwardingOps(std::move(inner)) {}

  /// Keeps from now on at most `rows` (2 or more) of every layer's rows, evenly spread; the same
  /// ones whenever the layer has as many. On the device's thread, as all that follows.
  void begin(int64_t rows);
  /// Ends that and gives what was kept, in the order in which the layers first ran.
  std::vector<chat::LayerRows> end();

  void linear(ops::View x, const ops::Weight& weight, const ops::Epilogue& epilogue,
              ops::MutView y) override;
  void gated_mlp(ops::View x, const ops::RmsNormBefore& norm, const ops::Weight& gate,
                 const ops::Weight& up, const ops::Weight& down, bool accumulate,
                 tensor::Arena& arena, ops::MutView y) override;
  void mlp(ops::View x, const ops::LayerNormBefore& norm, const ops::BiasedWeight& fc1,
           ops::Activation activation, const ops::BiasedWeight& fc2, bool accumulate,
           tensor::Arena& arena, ops::MutView y) override;
  /// Steps that are watched are not replayed.
  void run_step(uint64_t key, const std::function<void()>& step) override;

 private:
  struct Layer {
    chat::LayerRows kept;
    int64_t seen = 0;    // rows
    int64_t stride = 1;  // between rows that are kept
  };
  void keep(const std::string& weight, ops::MutView y);

  int64_t wanted_ = 0;  // 0: nobody wants any
  std::vector<Layer> layers_;
  std::map<std::string, size_t> by_weight_;
};

}  // namespace visavis::generate
