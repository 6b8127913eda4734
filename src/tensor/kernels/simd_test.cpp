#include "src/tensor/kernels/simd.h"

#include <hwy/targets.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "src/tensor/testing.h"

namespace tine::tensor {
namespace {

// Runs the test once for each instruction set that this processor has and tine is compiled for.
class EachTarget : public ::testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override { hwy::SetSupportedTargetsForTest(GetParam()); }
  void TearDown() override { hwy::SetSupportedTargetsForTest(0); }
};

std::vector<int64_t> targets() {
  std::vector<int64_t> out;
  for (int64_t rest = hwy::SupportedTargets() & (HWY_SSE4 | HWY_AVX2 | HWY_AVX3); rest; rest &= rest - 1)
    out.push_back(rest & -rest);
  out.push_back(HWY_SCALAR);
  return out;
}

// How many representable numbers lie between the two.
template <class T>
double distance(T a, double exact) {
  const T b = static_cast<T>(exact);
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b) ? 0 : HUGE_VAL;
  if (a == b) return 0;
  if (std::isinf(a) || std::isinf(b)) return HUGE_VAL;
  const double unit =
      static_cast<double>(std::nextafter(std::fabs(b), std::numeric_limits<T>::infinity()) - std::fabs(b));
  return std::fabs(static_cast<double>(a) - exact) / unit;
}

template <class T>
std::vector<T> arguments(double low, double high) {
  std::vector<T> x = {0,
                      static_cast<T>(-0.0),
                      std::numeric_limits<T>::infinity(),
                      -std::numeric_limits<T>::infinity(),
                      std::numeric_limits<T>::quiet_NaN(),
                      std::numeric_limits<T>::max(),
                      std::numeric_limits<T>::lowest(),
                      std::numeric_limits<T>::min(),
                      std::numeric_limits<T>::denorm_min(),
                      1,
                      -1};
  for (int i = 0; i <= 20000; ++i) x.push_back(static_cast<T>(low + (high - low) * i / 20000));
  for (int e = -40; e < 40; ++e) x.push_back(static_cast<T>(std::ldexp(1.37, e)));
  return x;
}

template <class T, class F>
void expect_close(UnaryOp op, DType dtype, double low, double high, double units, F exact) {
  const std::vector<T> x = arguments<T>(low, high);
  std::vector<T> y(x.size());
  const UnaryLoop loop = simd_unary(op, dtype);
  ASSERT_NE(loop, nullptr);
  loop(reinterpret_cast<char*>(y.data()), reinterpret_cast<const char*>(x.data()), sizeof(T), sizeof(T),
       static_cast<int64_t>(x.size()));
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    // Results below the normal range may be flushed or lose digits.
    const double want = exact(static_cast<double>(x[i]));
    if (std::fabs(want) < static_cast<double>(std::numeric_limits<T>::min()) &&
        std::fabs(static_cast<double>(y[i])) < 2 * static_cast<double>(std::numeric_limits<T>::min()))
      continue;
    const double d = distance(y[i], want);
    ASSERT_LE(d, units) << name_of(op) << " of " << static_cast<double>(x[i]) << " is "
                        << static_cast<double>(y[i]) << ", not " << want;
    worst = std::max(worst, d);
  }
}

TEST_P(EachTarget, FunctionsAreWithinAFewUnitsOfTheLastPlaceAndRightAtTheEnds) {
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  expect_close<float>(UnaryOp::kExp, DType::kFloat32, -100, 89, 4, [](double x) { return std::exp(x); });
  expect_close<double>(UnaryOp::kExp, DType::kFloat64, -700, 709.7, 4, [](double x) { return std::exp(x); });
  expect_close<float>(UnaryOp::kLog, DType::kFloat32, 0, 10, 4, [](double x) { return std::log(x); });
  expect_close<double>(UnaryOp::kLog, DType::kFloat64, 0, 10, 4, [](double x) { return std::log(x); });
  expect_close<float>(UnaryOp::kTanh, DType::kFloat32, -10, 10, 7, [](double x) { return std::tanh(x); });
  expect_close<double>(UnaryOp::kTanh, DType::kFloat64, -22, 22, 8, [](double x) { return std::tanh(x); });
  expect_close<float>(UnaryOp::kSigmoid, DType::kFloat32, -80, 30, 4, sigmoid);
  expect_close<double>(UnaryOp::kSigmoid, DType::kFloat64, -600, 40, 4, sigmoid);
  expect_close<float>(UnaryOp::kSqrt, DType::kFloat32, 0, 100, 1, [](double x) { return std::sqrt(x); });
  expect_close<float>(UnaryOp::kFloor, DType::kFloat32, -9, 9, 0, [](double x) { return std::floor(x); });
  expect_close<float>(UnaryOp::kRound, DType::kFloat32, -9, 9, 0, [](double x) { return std::nearbyint(x); });
  expect_close<double>(UnaryOp::kTrunc, DType::kFloat64, -9, 9, 0, [](double x) { return std::trunc(x); });
}

TEST_P(EachTarget, RowsOfEveryLengthTouchNothingBeyondTheirEnd) {
  for (int64_t n = 0; n < 70; ++n) {
    std::vector<float> a(static_cast<size_t>(n)), b(a.size());
    std::vector<float> out(a.size() + 20, -7);
    std::iota(a.begin(), a.end(), 1.0f);
    std::iota(b.begin(), b.end(), 100.0f);
    const int64_t strides[3] = {4, 4, 4};
    simd_binary(BinaryOp::kAdd, DType::kFloat32)(
        reinterpret_cast<char*>(out.data()), reinterpret_cast<const char*>(a.data()),
        reinterpret_cast<const char*>(b.data()), strides, n, nullptr);
    for (size_t i = 0; i < a.size(); ++i) ASSERT_EQ(out[i], a[i] + b[i]);
    for (size_t i = a.size(); i < out.size(); ++i) ASSERT_EQ(out[i], -7);
    simd_unary(UnaryOp::kNeg, DType::kFloat32)(reinterpret_cast<char*>(out.data()),
                                               reinterpret_cast<const char*>(a.data()), 4, 4, n);
    for (size_t i = 0; i < a.size(); ++i) ASSERT_EQ(out[i], -a[i]);
    for (size_t i = a.size(); i < out.size(); ++i) ASSERT_EQ(out[i], -7);
    if (n == 0) continue;
    const RowKernels& rows = row_kernels();
    ASSERT_EQ(rows.sum_f32(a.data(), n), static_cast<double>(n * (n + 1) / 2));
    ASSERT_EQ(rows.max_f32(a.data(), n, false), static_cast<float>(n));
    ASSERT_EQ(rows.max_f32(a.data(), n, true), 1);
    rows.softmax_f32(a.data(), out.data(), n, false);
    float total = 0;
    for (size_t i = 0; i < a.size(); ++i) total += out[i];
    ASSERT_NEAR(total, 1, 1e-5);
    for (size_t i = a.size(); i < out.size(); ++i) ASSERT_EQ(out[i], -7);
  }
}

TEST_P(EachTarget, ANaNAnywhereInARowIsItsExtreme) {
  for (int64_t n = 1; n < 40; ++n) {
    for (int64_t where = 0; where < n; ++where) {
      std::vector<double> a(static_cast<size_t>(n), 1);
      a[static_cast<size_t>(where)] = std::nan("");
      ASSERT_TRUE(std::isnan(row_kernels().max_f64(a.data(), n, false))) << n << " " << where;
      ASSERT_TRUE(std::isnan(row_kernels().max_f64(a.data(), n, true))) << n << " " << where;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Simd, EachTarget, ::testing::ValuesIn(targets()),
                         [](const auto& info) { return std::string(hwy::TargetName(info.param)); });

}  // namespace
}  // namespace tine::tensor
