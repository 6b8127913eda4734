#include "src/tensor/kernels/linear.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "src/tensor/kernels/blas.h"
#include "src/tensor/kernels/common.h"
#include "src/tensor/kernels/pointwise.h"

namespace tine::tensor {
namespace {

constexpr int64_t kRows = 128;           // of one piece of a split product
constexpr int64_t kSplitFrom = 1 << 21;  // multiplications; fewer are not worth another core

// A matrix in memory: rows x cols with strides in elements.
struct Matrix {
  char* data;
  int64_t rows;
  int64_t cols;
  int64_t row_stride;
  int64_t col_stride;
};

// What BLAS can read: one of the strides is 1, the other covers a line.
bool is_plain(const Matrix& m) { return m.col_stride == 1 && m.row_stride >= std::max<int64_t>(m.cols, 1); }
bool is_transposed(const Matrix& m) {
  return m.row_stride == 1 && m.col_stride >= std::max<int64_t>(m.rows, 1);
}

template <class T>
void gemm_blas(const Matrix& a, const Matrix& b, const Matrix& out) {
  // A matrix of one column or row has both forms; the one with the natural line length is taken.
  const bool ta = !is_plain(a);
  const bool tb = !is_plain(b);
  const auto as_int = [](int64_t v) { return static_cast<blasint>(v); };
  const blasint lda = as_int(ta ? a.col_stride : a.row_stride);
  const blasint ldb = as_int(tb ? b.col_stride : b.row_stride);
  const CBLAS_TRANSPOSE fa = ta ? CblasTrans : CblasNoTrans;
  const CBLAS_TRANSPOSE fb = tb ? CblasTrans : CblasNoTrans;
  const T* pa = reinterpret_cast<const T*>(a.data);
  const T* pb = reinterpret_cast<const T*>(b.data);
  T* po = reinterpret_cast<T*>(out.data);
  const blasint m = as_int(out.rows), n = as_int(out.cols), k = as_int(a.cols), ldo = as_int(out.row_stride);
  // A vector on either side: half the time of the general product.
  if (n == 1 || m == 1) {
    // With a column on the right the result is A b. With a row on the left its transpose is B' a', so the roles
    // change.
    const bool column = n == 1;
    const CBLAS_TRANSPOSE form = column ? fa : (tb ? CblasNoTrans : CblasTrans);
    const Matrix& w = column ? a : b;
    const bool turned = column ? ta : tb;
    const blasint rows = as_int(turned ? w.cols : w.rows), cols = as_int(turned ? w.rows : w.cols);
    const blasint step = as_int(column ? b.row_stride : a.col_stride), to = column ? ldo : 1;
    const T* v = column ? pb : pa;
    const T* pw = column ? pa : pb;
    const blasint ldw = column ? lda : ldb;
    if constexpr (std::is_same_v<T, float>)
      return cblas_sgemv(CblasRowMajor, form, rows, cols, 1, pw, ldw, v, step, 0, po, to);
    else
      return cblas_dgemv(CblasRowMajor, form, rows, cols, 1, pw, ldw, v, step, 0, po, to);
  }
  if constexpr (std::is_same_v<T, float>)
    cblas_sgemm(CblasRowMajor, fa, fb, m, n, k, 1, pa, lda, pb, ldb, 0, po, ldo);
  else
    cblas_dgemm(CblasRowMajor, fa, fb, m, n, k, 1, pa, lda, pb, ldb, 0, po, ldo);
}

// Row by row, so that the inner loop runs along memory.
template <class T>
void gemm_plain(const Matrix& a, const Matrix& b, const Matrix& out) {
  // Unsigned, because sums of ints wrap.
  using U = std::make_unsigned_t<T>;
  const T* pa = reinterpret_cast<const T*>(a.data);
  const T* pb = reinterpret_cast<const T*>(b.data);
  for (int64_t i = 0; i < out.rows; ++i) {
    U* row = reinterpret_cast<U*>(out.data) + i * out.row_stride;
    std::fill(row, row + out.cols, U{0});
    for (int64_t k = 0; k < a.cols; ++k) {
      const U x = static_cast<U>(pa[i * a.row_stride + k * a.col_stride]);
      const T* line = pb + k * b.row_stride;
      for (int64_t j = 0; j < out.cols; ++j)
        row[j] = static_cast<U>(row[j] + x * static_cast<U>(line[j * b.col_stride]));
    }
  }
}

void gemm_here(DType dtype, const Matrix& a, const Matrix& b, const Matrix& out) {
  switch (dtype) {
    case DType::kFloat32: return gemm_blas<float>(a, b, out);
    case DType::kFloat64: return gemm_blas<double>(a, b, out);
    case DType::kInt64: return gemm_plain<int64_t>(a, b, out);
    default: return gemm_plain<uint8_t>(a, b, out);
  }
}

void gemm(const KernelContext& c, DType dtype, const Matrix& a, const Matrix& b, const Matrix& out) {
  const size_t width = size_of(dtype);
  if (out.rows == 0 || out.cols == 0) return;
  // A sum of no products is 0.
  if (a.cols == 0) {
    for (int64_t i = 0; i < out.rows; ++i)
      std::memset(out.data + static_cast<size_t>(i * out.row_stride) * width, 0,
                  static_cast<size_t>(out.cols) * width);
    return;
  }
  // In double, because the product of the sizes may not fit into 64 bits.
  const bool worth =
      c.splitter && c.splitter->cores() > 1 && out.rows > kRows &&
      static_cast<double>(out.rows) * static_cast<double>(out.cols) * static_cast<double>(a.cols) >=
          static_cast<double>(kSplitFrom);
  if (!worth) return gemm_here(dtype, a, b, out);
  // The pieces have a fixed height, so the result does not depend on the number of cores.
  const int64_t pieces = (out.rows + kRows - 1) / kRows;
  tine::split(c, pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const int64_t first = p * kRows;
      Matrix x = a;
      Matrix y = out;
      x.rows = y.rows = std::min(kRows, out.rows - first);
      x.data += static_cast<size_t>(first * a.row_stride) * width;
      y.data += static_cast<size_t>(first * out.row_stride) * width;
      gemm_here(dtype, x, b, y);
    }
  });
}

// The last two dimensions of a tensor as a matrix that BLAS can read; copied into `hold` if need be.
Matrix matrix_of(const KernelContext& c, const Tensor& t, Tensor& hold) {
  const auto describe = [](const Impl& i) {
    const size_t n = i.sizes().size();
    Matrix m{static_cast<char*>(i.data()), i.sizes()[n - 2], i.sizes()[n - 1], i.strides()[n - 2],
             i.strides()[n - 1]};
    // The stride of a dimension of one element is arbitrary. It is set to the value that a contiguous matrix has.
    if (m.cols == 1) m.col_stride = 1;
    if (m.rows == 1 && m.col_stride == 1) m.row_stride = std::max<int64_t>(m.cols, 1);
    if (m.rows == 1 && m.col_stride != 1) m.row_stride = 1;
    return m;
  };
  constexpr int64_t kLongest = std::numeric_limits<blasint>::max();
  const Matrix m = describe(impl_of(t));
  if (m.rows > kLongest || m.cols > kLongest)
    throw ShapeError(fmt::format("matmul: a matrix of sizes {} has more rows or columns than BLAS can count",
                                 to_string(t.sizes())));
  if (m.row_stride <= kLongest && m.col_stride <= kLongest && (is_plain(m) || is_transposed(m))) {
    hold = t;
    return m;
  }
  hold = packed(c, t);
  return describe(known(hold));
}

void check_types(std::string_view name, const Tensor& a, const Tensor& b) {
  const DType x = impl_of(a).dtype();
  const DType y = impl_of(b).dtype();
  if (x != y)
    throw TypeError(
        fmt::format("{}: expected m1 and m2 to have the same dtype, but got: {} != {}; convert one with "
                    ".to(...)",
                    name, name_of(x), name_of(y)));
  if (x == DType::kBool)
    throw TypeError(fmt::format("\"{}\" not implemented for 'bool'; convert with .to(...) first", name));
}

[[noreturn]] void throw_product(const Tensor& a, const Tensor& b) {
  const auto x = a.sizes();
  const auto y = b.sizes();
  if (x.size() == 1 && y.size() == 1)
    throw ShapeError(
        fmt::format("inconsistent tensor size, expected tensor {} and src {} to have the same number of "
                    "elements, but got {} and {} elements respectively",
                    to_string(x), to_string(y), x[0], y[0]));
  const int64_t rows = x.size() > 1 ? x[x.size() - 2] : 1;
  const int64_t cols = y.size() > 1 ? y[y.size() - 1] : 1;
  throw ShapeError(
      fmt::format("mat1 and mat2 shapes cannot be multiplied ({}x{} and {}x{}); the shapes are {} and {}",
                  rows, x.back(), y.size() > 1 ? y[y.size() - 2] : y[0], cols, to_string(x), to_string(y)));
}

void need_dims(std::string_view name, const Tensor& a, int64_t dims, const Tensor& b, int64_t other) {
  if (impl_of(a).dim() != dims || impl_of(b).dim() != other)
    throw ShapeError(fmt::format("{}: expected a {}-D and a {}-D tensor, but got sizes {} and {}", name, dims,
                                 other, to_string(a.sizes()), to_string(b.sizes())));
}

// Both have two dimensions.
Tensor product(const KernelContext& c, const Tensor& a, const Tensor& b) {
  if (a.sizes()[1] != b.sizes()[0]) throw_product(a, b);
  Tensor ha, hb;
  const Matrix x = matrix_of(c, a, ha);
  const Matrix y = matrix_of(c, b, hb);
  Tensor out = make(std::array<int64_t, 2>{x.rows, y.cols}, known(a).dtype());
  gemm(c, known(a).dtype(), x, y,
       {static_cast<char*>(known(out).data()), x.rows, y.cols, std::max<int64_t>(y.cols, 1), 1});
  return out;
}

Tensor batched(const KernelContext& c, const Tensor& a, const Tensor& b) {
  const Sizes sa = a.sizes();
  const Sizes sb = b.sizes();
  if (sa.back() != sb[sb.size() - 2]) throw_product(a, b);
  DimVector shape;
  try {
    shape = broadcast(sa.first(sa.size() - 2), sb.first(sb.size() - 2));
  } catch (const ShapeError& e) {
    throw ShapeError(fmt::format("matmul: the batch dimensions of {} and {} do not broadcast: {}",
                                 to_string(sa), to_string(sb), e.message()));
  }
  const int64_t rows = sa[sa.size() - 2];
  const int64_t cols = sb.back();
  DimVector wide_a(shape), wide_b(shape), sizes(shape);
  wide_a.push_back(rows), wide_a.push_back(sa.back());
  wide_b.push_back(sb[sb.size() - 2]), wide_b.push_back(cols);
  sizes.push_back(rows), sizes.push_back(cols);
  Tensor out = make(sizes, known(a).dtype());
  if (known(out).numel() == 0) return out;
  Tensor ha, hb;
  const Matrix x = matrix_of(c, a, ha);
  const Matrix y = matrix_of(c, b, hb);
  // A repeated batch has stride 0 in the expanded tensor, so its matrix is read again and not copied.
  const Tensor ea = expand(ha, wide_a);
  const Tensor eb = expand(hb, wide_b);
  const int64_t width = static_cast<int64_t>(size_of(known(a).dtype()));
  int64_t count = 1;
  for (int64_t n : shape) count *= n;
  // Large products run one after the other, each split over the cores. Small ones run on one core each, and the batch is split.
  const bool large = rows * cols * sa.back() >= kSplitFrom;
  const KernelContext inner{c.generator, large ? c.splitter : nullptr};
  const KernelContext outer{c.generator, large ? nullptr : c.splitter};
  const int64_t grain = kSplitFrom / std::max<int64_t>(rows * cols * sa.back(), 1) + 1;
  tine::split(outer, count, grain, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      int64_t rest = k, oa = 0, ob = 0;
      for (size_t d = shape.size(); d-- > 0;) {
        oa += rest % shape[d] * ea.strides()[d];
        ob += rest % shape[d] * eb.strides()[d];
        rest /= shape[d];
      }
      Matrix mx = x, my = y;
      mx.data += oa * width;
      my.data += ob * width;
      gemm(inner, known(out).dtype(), mx, my,
           {static_cast<char*>(known(out).data()) + k * rows * cols * width, rows, cols, cols, 1});
    }
  });
  return out;
}

}  // namespace

Tensor mm(const KernelContext& c, const Tensor& a, const Tensor& b) {
  need_dims("mm", a, 2, b, 2);
  check_types("mm", a, b);
  return product(c, a, b);
}

Tensor bmm(const KernelContext& c, const Tensor& a, const Tensor& b) {
  need_dims("bmm", a, 3, b, 3);
  check_types("bmm", a, b);
  if (a.sizes()[0] != b.sizes()[0])
    throw ShapeError(
        fmt::format("bmm: the batches of {} and {} differ", to_string(a.sizes()), to_string(b.sizes())));
  return batched(c, a, b);
}

Tensor mv(const KernelContext& c, const Tensor& a, const Tensor& b) {
  need_dims("mv", a, 2, b, 1);
  return matmul(c, a, b);
}

Tensor dot(const KernelContext& c, const Tensor& a, const Tensor& b) {
  need_dims("dot", a, 1, b, 1);
  return matmul(c, a, b);
}

Tensor matmul(const KernelContext& c, const Tensor& a, const Tensor& b) {
  const int64_t da = impl_of(a).dim();
  const int64_t db = impl_of(b).dim();
  if (da == 0 || db == 0)
    throw ShapeError(
        fmt::format("both arguments to matmul need to be at least 1D, but they are {}D and {}D", da, db));
  check_types("matmul", a, b);
  if (a.sizes().back() != b.sizes()[db == 1 ? 0 : static_cast<size_t>(db) - 2]) throw_product(a, b);
  if (da == 2 && db == 2) return product(c, a, b);
  // A vector is a row on the left and a column on the right. The dimension that this adds goes away again.
  if (da == 1) {
    const Tensor r = matmul(c, unsqueeze(a, 0), db == 1 ? unsqueeze(b, 1) : b);
    return db == 1 ? reshape(c, r, {}) : squeeze(r, -2);
  }
  if (db == 1) return squeeze(matmul(c, a, unsqueeze(b, 1)), -1);
  if (db == 2) {
    // All batches of a against the same matrix are one product.
    DimVector sizes(a.sizes());
    const int64_t k = a.sizes().back();
    int64_t rows = 1;
    for (size_t i = 0; i + 1 < sizes.size(); ++i) rows *= sizes[i];
    const Tensor r = product(c, reshape(c, a, std::array<int64_t, 2>{rows, k}), b);
    sizes[sizes.size() - 1] = b.sizes()[1];
    return view(r, sizes);
  }
  return batched(c, a, b);
}

Tensor linear(const KernelContext& c, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (impl_of(weight).dim() != 2)
    throw ShapeError(fmt::format("linear: expected a weight of two dimensions (out, in), but got sizes {}",
                                 to_string(weight.sizes())));
  Tensor r = matmul(c, x, t(weight));
  if (bias.defined()) add_(c, r, bias);
  return r;
}

}  // namespace tine::tensor
