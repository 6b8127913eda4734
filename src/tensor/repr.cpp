#include "src/tensor/repr.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "src/tensor/tensor_impl.h"

namespace tine::tensor {
namespace {

// PyTorch's default print options.
constexpr int64_t kSummarizeBeyond = 1000;
constexpr int64_t kEdge = 3;
constexpr int64_t kLine = 80;

std::string print(const char* format, double v) {
  if (std::isnan(v)) return "nan";  // never "-nan"
  char buffer[400];
  const int n = std::snprintf(buffer, sizeof buffer, format, v);
  return {buffer, static_cast<size_t>(n)};
}

struct Printer {
  const Impl& a;
  bool summarize;
  bool integral = true;  // every float is a whole number: print "3."
  bool scientific = false;
  size_t width = 1;
  std::string out;

  explicit Printer(const Impl& impl) : a(impl), summarize(impl.numel() > kSummarizeBeyond) {}

  [[nodiscard]] double number_at(int64_t at) const {
    return with_type(a.dtype(),
                     [&]<class T>(T) { return static_cast<double>(static_cast<const T*>(a.data())[at]); });
  }
  [[nodiscard]] std::string text_at(int64_t at) const {
    switch (a.dtype()) {
      case DType::kBool: return static_cast<const bool*>(a.data())[at] ? "True" : "False";
      case DType::kInt64: return std::to_string(static_cast<const int64_t*>(a.data())[at]);
      case DType::kUInt8: return std::to_string(static_cast<const uint8_t*>(a.data())[at]);
      default: break;
    }
    const double v = number_at(at);
    if (scientific) return print("%.4e", v);
    if (!integral) return print("%.4f", v);
    std::string s = print("%.0f", v);
    if (std::isfinite(v)) s += '.';
    return s;
  }

  // The offsets that will be printed: everything, or the edges of each dimension.
  template <class F>
  void each_shown(int64_t d, int64_t at, F&& f) const {
    if (d == a.dim()) return f(at);
    const int64_t n = a.sizes()[static_cast<size_t>(d)];
    const int64_t stride = a.strides()[static_cast<size_t>(d)];
    for (int64_t i = 0; i < n; ++i) {
      if (summarize && n > 2 * kEdge && i == kEdge) i = n - kEdge;
      each_shown(d + 1, at + i * stride, f);
    }
  }

  void choose_format() {
    if (!is_floating(a.dtype())) {
      each_shown(0, 0, [&](int64_t at) { width = std::max(width, text_at(at).size()); });
      return;
    }
    double smallest = HUGE_VAL;
    double largest = 0;
    each_shown(0, 0, [&](int64_t at) {
      const double v = number_at(at);
      // PyTorch chooses the format by the finite elements other than 0.
      if (!std::isfinite(v) || v == 0) return;
      smallest = std::min(smallest, std::fabs(v));
      largest = std::max(largest, std::fabs(v));
      if (v != std::ceil(v)) integral = false;
    });
    if (largest == 0) return;
    scientific = largest / smallest > 1000 || largest > 1e8 || (!integral && smallest < 1e-4);
    each_shown(0, 0, [&](int64_t at) {
      const double v = number_at(at);
      if (std::isfinite(v) && v != 0) width = std::max(width, text_at(at).size());
    });
  }

  void value(int64_t at) {
    const std::string s = text_at(at);
    if (s.size() < width) out.append(width - s.size(), ' ');
    out += s;
  }

  void dimension(int64_t d, int64_t at, int64_t indent) {
    if (d == a.dim()) return value(at);
    const int64_t n = a.sizes()[static_cast<size_t>(d)];
    const int64_t stride = a.strides()[static_cast<size_t>(d)];
    const bool row = d + 1 == a.dim();
    const bool cut = summarize && n > 2 * kEdge;
    const int64_t per_line = std::max<int64_t>(1, (kLine - indent) / static_cast<int64_t>(width + 2));
    out += '[';
    int64_t shown = 0;
    for (int64_t i = 0; i < n; ++i, ++shown) {
      if (shown) {
        const bool fresh_line = !row || shown % per_line == 0;
        out += fresh_line ? "," : ", ";
        if (fresh_line) {
          out.append(row ? 1 : static_cast<size_t>(a.dim() - d - 1), '\n');
          out.append(static_cast<size_t>(indent + 1), ' ');
        }
      }
      if (cut && i == kEdge) {
        out += row ? " ..." : "...";
        i = n - kEdge - 1;
        continue;
      }
      dimension(d + 1, at + i * stride, indent + 1);
    }
    out += ']';
  }
};

}  // namespace

std::string repr(const Tensor& tensor) {
  const Impl& a = impl_of(tensor);
  constexpr std::string_view kPrefix = "tensor(";
  constexpr int64_t kIndent = static_cast<int64_t>(kPrefix.size());
  Printer p(a);
  std::vector<std::string> suffixes;
  const std::string dtype = "dtype=tine." + std::string(name_of(a.dtype()));
  if (a.numel() == 0) {
    p.out = "[]";
    if (a.dim() != 1) {
      std::string size = "size=(";
      for (size_t i = 0; i < a.sizes().size(); ++i) size += (i ? ", " : "") + std::to_string(a.sizes()[i]);
      suffixes.push_back(size + ")");
    }
    if (a.dtype() != DType::kFloat32) suffixes.push_back(dtype);
  } else {
    p.choose_format();
    p.dimension(0, 0, kIndent);
    if (a.dtype() == DType::kFloat64 || a.dtype() == DType::kUInt8) suffixes.push_back(dtype);
  }
  std::string text = std::string(kPrefix) + p.out;
  const size_t newline = text.rfind('\n');
  // As PyTorch counts: the length of the last line, and two.
  int64_t column = static_cast<int64_t>(text.size()) -
                   static_cast<int64_t>(newline == std::string::npos ? -1 : static_cast<int64_t>(newline)) +
                   1;
  for (const std::string& s : suffixes) {
    const int64_t length = static_cast<int64_t>(s.size());
    if (column + length + 2 > kLine) {
      text += ",\n" + std::string(static_cast<size_t>(kIndent), ' ') + s;
      column = kIndent + length;
    } else {
      text += ", " + s;
      column += length + 2;
    }
  }
  return text + ")";
}

}  // namespace tine::tensor
