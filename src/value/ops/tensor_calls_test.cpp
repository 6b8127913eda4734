#include "src/value/ops/calls_for_tests.h"

namespace tine::value {

const char* const kTensorCalls = R"calls(
arithmetic
aten::add.Tensor(tensor([1, 2]), tensor([3, 4]), alpha=2) => tensor([ 7, 10])
aten::add.Tensor(tensor([[1.], [2.]]), tensor([10., 20.])) => tensor([[11., 21.],~        [12., 22.]])
aten::add.Scalar(tensor([1, 2]), 1) => tensor([2, 3])
aten::add.Scalar(tensor([1, 2]), 0.5) => tensor([1.5000, 2.5000])
aten::add.Scalar_Tensor(1, tensor([1, 2])) => tensor([2, 3])
aten::sub.Tensor(tensor([5, 5]), tensor([1, 2])) => tensor([4, 3])
aten::sub.Scalar(tensor([5, 5]), 1) => tensor([4, 4])
aten::sub.Scalar_Tensor(1, tensor([1, 2])) => tensor([ 0, -1])
aten::rsub.Tensor(tensor([1, 2]), tensor([5, 5])) => tensor([4, 3])
aten::rsub.Scalar(tensor([1, 2]), 5) => tensor([4, 3])
aten::add_.Tensor(tensor([1., 2.]), tensor([1., 1.])) => tensor([2., 3.]) ; self tensor([2., 3.])
aten::add_.Scalar(tensor([1., 2.]), 1) => tensor([2., 3.]) ; self tensor([2., 3.])
aten::sub_.Tensor(tensor([1., 2.]), tensor([1., 1.])) => tensor([0., 1.]) ; self tensor([0., 1.])
aten::sub_.Scalar(tensor([1., 2.]), 1) => tensor([0., 1.]) ; self tensor([0., 1.])
aten::pow.Tensor_Tensor(tensor([2., 3.]), tensor([2., 2.])) => tensor([4., 9.])
aten::pow.Tensor_Scalar(tensor([2., 3.]), 2) => tensor([4., 9.])
aten::pow.Scalar(2, tensor([1., 3.])) => tensor([2., 8.])
aten::maximum(tensor([1, 5]), tensor([3, 4])) => tensor([3, 5])
aten::minimum(tensor([1, 5]), tensor([3, 4])) => tensor([1, 4])
aten::addcmul(tensor([1., 1.]), tensor([2., 3.]), tensor([4., 5.])) => tensor([ 9., 16.])
aten::mul.Tensor(tensor([2, 3]), tensor([4, 5])) => tensor([ 8, 15])
aten::mul.Scalar(tensor([2, 3]), 2) => tensor([4, 6])
aten::mul.Scalar_Tensor(2, tensor([2, 3])) => tensor([4, 6])
aten::div.Tensor(tensor([1, 3]), tensor([2, 2])) => tensor([0.5000, 1.5000])
aten::div.Scalar(tensor([1., 3.]), 2) => tensor([0.5000, 1.5000])
aten::div.Scalar_Tensor(1, tensor([2., 4.])) => tensor([0.5000, 0.2500])
aten::floor_divide.Tensor(tensor([-7, 7]), tensor([2, 2])) => tensor([-4,  3])
aten::floor_divide.Scalar(tensor([-7, 7]), 2) => tensor([-4,  3])
aten::floor_divide.Scalar_Tensor(7, tensor([2, -2])) => tensor([ 3, -4])
aten::remainder.Tensor(tensor([-7, 7]), tensor([3, -3])) => tensor([ 2, -2])
aten::remainder.Scalar(tensor([-7, 7]), 3) => tensor([2, 1])
aten::remainder.Scalar_Tensor(7, tensor([4, 3])) => tensor([3, 1])
aten::mul_.Tensor(tensor([1., 2.]), tensor([2., 2.])) => tensor([2., 4.]) ; self tensor([2., 4.])
aten::mul_.Scalar(tensor([1., 2.]), 2) => tensor([2., 4.]) ; self tensor([2., 4.])
aten::div_.Tensor(tensor([1., 2.]), tensor([2., 2.])) => tensor([0.5000, 1.0000]) ; self tensor([0.5000, 1.0000])
aten::div_.Scalar(tensor([1., 2.]), 2) => tensor([0.5000, 1.0000]) ; self tensor([0.5000, 1.0000])
aten::floor_divide_.Tensor(tensor([5, 7]), tensor([2, 2])) => tensor([2, 3]) ; self tensor([2, 3])
aten::floor_divide_.Scalar(tensor([5, 7]), 2) => tensor([2, 3]) ; self tensor([2, 3])
aten::remainder_.Tensor(tensor([5, 7]), tensor([3, 3])) => tensor([2, 1]) ; self tensor([2, 1])
aten::remainder_.Scalar(tensor([5, 7]), 3) => tensor([2, 1]) ; self tensor([2, 1])
aten::pow_.Tensor(tensor([2., 3.]), tensor([2., 2.])) => tensor([4., 9.]) ; self tensor([4., 9.])
aten::pow_.Scalar(tensor([2., 3.]), 2) => tensor([4., 9.]) ; self tensor([4., 9.])

comparison and logic
aten::eq.Tensor(tensor([1, 2]), tensor([1, 3])) => tensor([ True, False])
aten::eq.Scalar(tensor([1, 2]), 1) => tensor([ True, False])
aten::eq.Scalar_Tensor(1, tensor([1, 2])) => tensor([ True, False])
aten::ne.Tensor(tensor([1, 2]), tensor([1, 3])) => tensor([False,  True])
aten::ne.Scalar(tensor([1, 2]), 1) => tensor([False,  True])
aten::ne.Scalar_Tensor(1, tensor([1, 2])) => tensor([False,  True])
aten::lt.Tensor(tensor([1, 2]), tensor([2, 2])) => tensor([ True, False])
aten::lt.Scalar(tensor([1, 2]), 2) => tensor([ True, False])
aten::lt.Scalar_Tensor(1, tensor([1, 2])) => tensor([False,  True])
aten::le.Tensor(tensor([1, 3]), tensor([2, 2])) => tensor([ True, False])
aten::le.Scalar(tensor([1, 3]), 1.5) => tensor([ True, False])
aten::le.Scalar_Tensor(2, tensor([1, 2])) => tensor([False,  True])
aten::gt.Tensor(tensor([1, 3]), tensor([2, 2])) => tensor([False,  True])
aten::gt.Scalar(tensor([1, 3]), 2) => tensor([False,  True])
aten::gt.Scalar_Tensor(2, tensor([1, 2])) => tensor([ True, False])
aten::ge.Tensor(tensor([1, 3]), tensor([1, 4])) => tensor([ True, False])
aten::ge.Scalar(tensor([1, 3]), 3) => tensor([False,  True])
aten::ge.Scalar_Tensor(2, tensor([2, 3])) => tensor([ True, False])
aten::bitwise_and.Tensor(tensor([6, 5]), tensor([3, 4])) => tensor([2, 4])
aten::bitwise_and.Scalar(tensor([6, 5]), 3) => tensor([2, 1])
aten::bitwise_and.Scalar_Tensor(3, tensor([6, 5])) => tensor([2, 1])
aten::bitwise_or.Tensor(tensor([6, 5]), tensor([1, 2])) => tensor([7, 7])
aten::bitwise_or.Scalar(tensor([6, 5]), 1) => tensor([7, 5])
aten::bitwise_or.Scalar_Tensor(1, tensor([6, 5])) => tensor([7, 5])
aten::bitwise_xor.Tensor(tensor([6, 5]), tensor([3, 4])) => tensor([5, 1])
aten::bitwise_xor.Scalar(tensor([6, 5]), 3) => tensor([5, 6])
aten::bitwise_xor.Scalar_Tensor(3, tensor([6, 5])) => tensor([5, 6])
aten::__and__.Tensor(tensor([True, False]), tensor([True, True])) => tensor([ True, False])
aten::__and__.Scalar(tensor([6, 5]), 3) => tensor([2, 1])
aten::__and__.Scalar_Tensor(3, tensor([6, 5])) => tensor([2, 1])
aten::__or__.Tensor(tensor([True, False]), tensor([False, False])) => tensor([ True, False])
aten::__or__.Scalar(tensor([6, 5]), 1) => tensor([7, 5])
aten::__or__.Scalar_Tensor(1, tensor([6, 5])) => tensor([7, 5])
aten::__xor__.Tensor(tensor([True, False]), tensor([True, True])) => tensor([False,  True])
aten::__xor__.Scalar(tensor([6, 5]), 3) => tensor([5, 6])
aten::__xor__.Scalar_Tensor(3, tensor([6, 5])) => tensor([5, 6])
aten::logical_and(tensor([1, 0]), tensor([2, 2])) => tensor([ True, False])
aten::logical_or(tensor([1, 0]), tensor([0, 0])) => tensor([ True, False])
aten::logical_xor(tensor([1, 0]), tensor([2, 2])) => tensor([False,  True])

functions
aten::neg(tensor([1, -2])) => tensor([-1,  2])
aten::abs(tensor([1, -2])) => tensor([1, 2])
aten::sign(tensor([3., -2., 0.])) => tensor([ 1., -1.,  0.])
aten::square(tensor([3, -2])) => tensor([9, 4])
aten::relu(tensor([3., -2.])) => tensor([3., 0.])
aten::exp(tensor([0., 1.])) => tensor([1.0000, 2.7183])
aten::log(tensor([1., 2.])) => tensor([0.0000, 0.6931])
aten::sqrt(tensor([4., 9.])) => tensor([2., 3.])
aten::rsqrt(tensor([4., 1.])) => tensor([0.5000, 1.0000])
aten::reciprocal(tensor([4., 2.])) => tensor([0.2500, 0.5000])
aten::sin(tensor([0., 1.])) => tensor([0.0000, 0.8415])
aten::cos(tensor([0., 1.])) => tensor([1.0000, 0.5403])
aten::tanh(tensor([0., 1.])) => tensor([0.0000, 0.7616])
aten::sigmoid(tensor([0., 1.])) => tensor([0.5000, 0.7311])
aten::floor(tensor([1.5, -1.5])) => tensor([ 1., -2.])
aten::ceil(tensor([1.5, -1.5])) => tensor([ 2., -1.])
aten::round(tensor([1.5, 2.5])) => tensor([2., 2.])
aten::trunc(tensor([1.5, -1.5])) => tensor([ 1., -1.])
aten::logical_not(tensor([1, 0])) => tensor([False,  True])
aten::bitwise_not(tensor([5, 0])) => tensor([-6, -1])
aten::isnan(tensor([nan, 1.])) => tensor([ True, False])
aten::isfinite(tensor([inf, 1.])) => tensor([False,  True])
aten::neg_(tensor([1, -2])) => tensor([-1,  2]) ; self tensor([-1,  2])
aten::abs_(tensor([1, -2])) => tensor([1, 2]) ; self tensor([1, 2])
aten::square_(tensor([3, -2])) => tensor([9, 4]) ; self tensor([9, 4])
aten::relu_(tensor([3., -2.])) => tensor([3., 0.]) ; self tensor([3., 0.])
aten::exp_(tensor([0., 1.])) => tensor([1.0000, 2.7183]) ; self tensor([1.0000, 2.7183])
aten::log_(tensor([1., 2.])) => tensor([0.0000, 0.6931]) ; self tensor([0.0000, 0.6931])
aten::sqrt_(tensor([4., 9.])) => tensor([2., 3.]) ; self tensor([2., 3.])
aten::reciprocal_(tensor([4., 2.])) => tensor([0.2500, 0.5000]) ; self tensor([0.2500, 0.5000])
aten::tanh_(tensor([0., 1.])) => tensor([0.0000, 0.7616]) ; self tensor([0.0000, 0.7616])
aten::sigmoid_(tensor([0., 1.])) => tensor([0.5000, 0.7311]) ; self tensor([0.5000, 0.7311])
aten::floor_(tensor([1.5, -1.5])) => tensor([ 1., -2.]) ; self tensor([ 1., -2.])
aten::round_(tensor([1.5, 2.5])) => tensor([2., 2.]) ; self tensor([2., 2.])
aten::clamp(tensor([1, 5, 9]), 2, 6) => tensor([2, 5, 6])
aten::clamp(tensor([1., 5., 9.]), None, 6) => tensor([1., 5., 6.])
aten::clamp_min(tensor([1, 5]), 2) => tensor([2, 5])
aten::clamp_max(tensor([1, 5]), 2) => tensor([1, 2])
aten::where.self(tensor([True, False]), tensor([1, 2]), tensor([3, 4])) => tensor([1, 4])
aten::where.ScalarOther(tensor([True, False]), tensor([1., 2.]), 0) => tensor([1., 0.])
aten::where.ScalarSelf(tensor([True, False]), 0, tensor([1., 2.])) => tensor([0., 2.])
aten::where.ScalarOther(tensor([True, False]), tensor([1, 2]), 2.5) => tensor([1.0000, 2.5000])
aten::where.ScalarSelf(tensor([True, False]), 2.5, tensor([1, 2])) => tensor([2.5000, 2.0000])
aten::where.Scalar(tensor([True, False]), 1, 0) => tensor([1, 0])
aten::masked_fill.Scalar(tensor([1., 2.]), tensor([True, False]), 9) => tensor([9., 2.])
aten::copy_(tensor([1., 2.]), tensor([3, 4])) => tensor([3., 4.]) ; self tensor([3., 4.])
aten::fill_.Scalar(tensor([1., 2.]), 7) => tensor([7., 7.]) ; self tensor([7., 7.])
aten::fill_.Tensor(tensor([1., 2.]), tensor(7)) => tensor([7., 7.]) ; self tensor([7., 7.])
aten::zero_(tensor([1., 2.])) => tensor([0., 0.]) ; self tensor([0., 0.])
aten::div.Tensor_mode(tensor([-7, 7]), tensor([2, 2]), rounding_mode='floor') => tensor([-4,  3])
aten::div.Tensor_mode(tensor([-7, 7]), tensor([2, 2]), rounding_mode='trunc') => tensor([-3,  3])
aten::div.Tensor_mode(tensor([-7., 7.]), tensor([2., 2.]), rounding_mode='trunc') => tensor([-3.,  3.])
aten::div.Tensor_mode(tensor([1, 3]), tensor([2, 2]), rounding_mode=None) => tensor([0.5000, 1.5000])
aten::div.Scalar_mode(tensor([1, 3]), 2, rounding_mode='round') => ValueError: div expected rounding_mode to be one of None, 'trunc', or 'floor' but found 'round'

reductions and products
aten::sum(tensor([1, 2, 3])) => tensor(6)
aten::sum(tensor([True, True])) => tensor(2)
aten::sum(tensor([1, 2]), dtype=6) => tensor(3.)
aten::sum.dim_IntList(tensor([[1, 2], [3, 4]]), [0]) => tensor([4, 6])
aten::sum.dim_IntList(tensor([[1, 2], [3, 4]]), 1, True) => tensor([[3],~        [7]])
aten::sum.dim_IntList(tensor([[1, 2], [3, 4]]), None) => tensor(10)
aten::mean(tensor([1., 2., 3.])) => tensor(2.)
aten::mean.dim(tensor([[1., 2.], [3., 4.]]), [0]) => tensor([2., 3.])
aten::prod(tensor([2, 3, 4])) => tensor(24)
aten::prod.dim_int(tensor([[1, 2], [3, 4]]), 0) => tensor([3, 8])
aten::any(tensor([False, True])) => tensor(True)
aten::any.dim(tensor([[False, True], [False, False]]), 1) => tensor([ True, False])
aten::all(tensor([False, True])) => tensor(False)
aten::all.dim(tensor([[True, True], [False, True]]), 1) => tensor([ True, False])
aten::max(tensor([1, 5, 3])) => tensor(5)
aten::max.dim(tensor([[1, 5], [7, 2]]), 1) => (tensor([5, 7]), tensor([1, 0]))
aten::max.other(tensor([1, 5]), tensor([3, 4])) => tensor([3, 5])
aten::min(tensor([4, 1, 3])) => tensor(1)
aten::min.dim(tensor([[1, 5], [7, 2]]), 1) => (tensor([1, 2]), tensor([0, 1]))
aten::min.other(tensor([1, 5]), tensor([3, 4])) => tensor([1, 4])
aten::argmax(tensor([[1, 5], [7, 2]])) => tensor(2)
aten::argmax(tensor([[1, 5], [7, 2]]), 1) => tensor([1, 0])
aten::argmin(tensor([[1, 5], [7, 2]]), 0, True) => tensor([[0, 1]])
aten::softmax.int(tensor([1., 1.]), 0) => tensor([0.5000, 0.5000])
aten::log_softmax.int(tensor([1., 1.]), 0) => tensor([-0.6931, -0.6931])
aten::equal(tensor([1, 2]), tensor([1, 2])) => True
aten::equal(tensor([1, 2]), tensor([1])) => False
aten::allclose(tensor([1., 2.]), tensor([1., 2.000001])) => True
aten::allclose(tensor([1., 2.]), tensor([1., 2.1])) => False
aten::matmul(tensor([[1., 2.], [3., 4.]]), tensor([1., 1.])) => tensor([3., 7.])
aten::mm(tensor([[1., 2.]]), tensor([[3.], [4.]])) => tensor([[11.]])
aten::bmm(tensor([[[1., 2.]]]), tensor([[[3.], [4.]]])) => tensor([[[11.]]])
aten::mv(tensor([[1., 2.], [3., 4.]]), tensor([1., 1.])) => tensor([3., 7.])
aten::dot(tensor([1., 2.]), tensor([3., 4.])) => tensor(11.)
aten::linear(tensor([[1., 2.]]), tensor([[3., 4.]]), tensor([5.])) => tensor([[16.]])
aten::linear(tensor([[1., 2.]]), tensor([[3., 4.]])) => tensor([[11.]])
aten::addmm(tensor([1.]), tensor([[1., 2.]]), tensor([[3.], [4.]])) => tensor([[12.]])
aten::nll_loss(tensor([[-1., -2.]]), tensor([1])) => tensor(2.)
aten::nll_loss.functional(tensor([[-1., -2.]]), tensor([1]), reduction='sum') => tensor(2.)
aten::cross_entropy(tensor([[1., 1.]]), tensor([0])) => tensor(0.6931)
aten::cross_entropy.functional(tensor([[1., 1.]]), tensor([0]), reduction='none') => tensor([0.6931])
aten::cross_entropy.functional(tensor([[1., 1.]]), tensor([0]), reduction='avg') => ValueError: avg is not a valid value for reduction; there are none, mean and sum
aten::cross_entropy_loss(tensor([[1., 1.]]), tensor([0]), 2) => tensor(0.6931)
aten::cross_entropy_loss.functional(tensor([[1., 1.]]), tensor([0]), reduction='mean') => tensor(0.6931)
aten::mse_loss(tensor([1., 3.]), tensor([2., 5.])) => tensor(2.5000)
aten::mse_loss(tensor([1., 3.]), tensor([2., 5.]), 3) => ValueError: reduction 3 is not one of 0 (none), 1 (mean) and 2 (sum)
aten::mse_loss.functional(tensor([1., 3.]), tensor([2., 5.]), reduction='sum') => tensor(5.)
aten::one_hot(tensor([1, 0])) => tensor([[0, 1],~        [1, 0]])

shape
aten::view(tensor([1, 2, 3, 4]), [2, -1]) => tensor([[1, 2],~        [3, 4]])
aten::view_as(tensor([1, 2]), tensor([[0], [0]])) => tensor([[1],~        [2]])
aten::reshape(tensor([[1, 2], [3, 4]]), [4]) => tensor([1, 2, 3, 4])
aten::flatten.using_ints(tensor([[1, 2], [3, 4]])) => tensor([1, 2, 3, 4])
aten::contiguous(tensor([1, 2])) => tensor([1, 2])
aten::detach(tensor([1, 2])) => tensor([1, 2])
aten::squeeze(tensor([[1, 2]])) => tensor([1, 2])
aten::squeeze.dim(tensor([[1, 2]]), 0) => tensor([1, 2])
aten::unsqueeze(tensor([1, 2]), 0) => tensor([[1, 2]])
aten::expand(tensor([[1], [2]]), [2, 2]) => tensor([[1, 1],~        [2, 2]])
aten::expand_as(tensor([1]), tensor([0, 0])) => tensor([1, 1])
aten::permute(tensor([[1, 2], [3, 4]]), [1, 0]) => tensor([[1, 3],~        [2, 4]])
aten::transpose.int(tensor([[1, 2], [3, 4]]), 0, 1) => tensor([[1, 3],~        [2, 4]])
aten::t(tensor([[1, 2]])) => tensor([[1],~        [2]])
aten::numpy_T(tensor([[1, 2]])) => tensor([[1],~        [2]])
aten::select.int(tensor([[1, 2], [3, 4]]), 0, -1) => tensor([3, 4])
aten::slice.Tensor(tensor([1, 2, 3, 4]), 0, 1, None, 2) => tensor([2, 4])
aten::narrow(tensor([1, 2, 3, 4]), 0, 1, 2) => tensor([2, 3])
aten::unbind.int(tensor([1, 2])) => [tensor(1), tensor(2)]
aten::split.Tensor(tensor([1, 2, 3]), 2) => [tensor([1, 2]), tensor([3])]
aten::chunk(tensor([1, 2, 3]), 2) => [tensor([1, 2]), tensor([3])]
aten::cat([tensor([1]), tensor([2, 3])]) => tensor([1, 2, 3])
aten::concat([tensor([1]), tensor([2])]) => tensor([1, 2])
aten::stack([tensor([1]), tensor([2])], 1) => tensor([[1, 2]])
aten::index_select(tensor([1, 2, 3]), 0, tensor([2, 0])) => tensor([3, 1])
aten::gather(tensor([[1, 2], [3, 4]]), 1, tensor([[1], [0]])) => tensor([[2],~        [3]])
aten::masked_select(tensor([1, 2, 3]), tensor([True, False, True])) => tensor([1, 3])
aten::index.Tensor(tensor([[1, 2], [3, 4]]), [None, tensor([1])]) => tensor([[2],~        [4]])
aten::index_put_(tensor([1, 2, 3]), [tensor([0, 2])], tensor([7, 8])) => tensor([7, 2, 8]) ; self tensor([7, 2, 8])
aten::nonzero(tensor([[0, 3], [4, 0]])) => tensor([[0, 1],~        [1, 0]])
aten::nonzero(tensor(5)) => tensor([], size=(1, 0), dtype=tine.int64)
aten::nonzero_numpy(tensor([[0, 3], [4, 0]])) => [tensor([0, 1]), tensor([1, 0])]
aten::nonzero_numpy(tensor(5)) => [tensor([0])]

subscripts
aten::__getitem__.Tensor(tensor([[1, 2], [3, 4]]), [0]) => tensor([1, 2])
aten::__getitem__.Tensor(tensor([[1, 2], [3, 4]]), ['...', -1]) => tensor([2, 4])
aten::__getitem__.Tensor(tensor([[1, 2], [3, 4]]), [':', None, 1, None, None]) => tensor([[[1, 2]]])
aten::__getitem__.Tensor(tensor([[1, 2], [3, 4]]), [':', tensor(1), None, 1]) => tensor([[3, 4]])
aten::__getitem__.Tensor(tensor([[1, 2], [3, 4]]), [[1, 0], [1, 1]]) => tensor([4, 2])
aten::__getitem__.Tensor(tensor([[1, 2], [3, 4]]), [tensor([False, True]), 0]) => tensor([3])
aten::__getitem__.Tensor(tensor([[1, 2], [3, 4]]), [tensor([[True, False], [False, True]])]) => tensor([1, 4])
aten::__getitem__.Tensor(tensor([1, 2, 3]), [tensor([1, 0, 1], 0)]) => tensor([1, 3])
aten::__getitem__.Tensor(tensor([1, 2]), [True]) => tensor([[1, 2]])
aten::__getitem__.Tensor(tensor([1, 2]), [False]) => tensor([], size=(0, 2), dtype=tine.int64)
aten::__getitem__.Tensor(tensor(3), [0]) => IndexError: too many indices for tensor of dimension 0: 1 were given (sizes [])
aten::__getitem__.Tensor(tensor([1, 2]), ['...', '...']) => IndexError: an index can only have a single ellipsis ('...')
aten::__getitem__.Tensor(tensor([1, 2]), [2]) => IndexError: index 2 is out of bounds for dimension 0 with size 2 (sizes [2])
aten::__getitem__.Tensor(tensor([1, 2]), [[2]]) => IndexError: index 2 is out of bounds for dimension 0 with size 2
aten::__getitem__.Tensor(tensor([1, 2]), [[0.5]]) => IndexError: tensors used as indices must be int64 or bool tensors, not float32
aten::__getitem__.Tensor(tensor([1, 2]), [':', None, None, 0]) => ValueError: slice step must be positive, got 0
aten::__getitem__.Tensor(tensor([1, 2]), [1.0]) => IndexError: only integers, slices (`:`), ellipsis (`...`), None, bools, lists of numbers and int64 or bool Tensors are valid indices, not float 1.0
aten::_set_item.Tensor(tensor([[1, 2], [3, 4]]), [0], tensor([[[7, 8]]])) => tensor([[7, 8],~        [3, 4]]) ; self tensor([[7, 8],~        [3, 4]])
aten::_set_item.Tensor(tensor([1, 2]), [tensor([False, True])], 7.5) => tensor([1, 7]) ; self tensor([1, 7])
aten::_set_item.Tensor(tensor([1., 2.]), [[0, 1]], [3, 4]) => tensor([3., 4.]) ; self tensor([3., 4.])
aten::_set_item.Tensor(tensor([1, 2]), [[0]], tensor(1.)) => TypeError: Index put requires the source and destination dtypes match, got int64 for the destination and float32 for the source; convert it with .to(...) ; self tensor([1, 2])
aten::_set_item.Tensor(tensor([1, 2]), [0], 'a') => TypeError: the elements of a Tensor are numbers: it can't be assigned str 'a' ; self tensor([1, 2])
aten::_assign(tensor([1., 2.]), 3) => tensor([3., 3.]) ; self tensor([3., 3.])
aten::_assign(tensor([1., 2.]), tensor([[3, 4]])) => tensor([3., 4.]) ; self tensor([3., 4.])
aten::__unpack(tensor([[1, 2], [3, 4]]), 2) => [tensor([1, 2]), tensor([3, 4])]
aten::__unpack(tensor([1, 2]), 3) => ValueError: not enough values to unpack (expected 3, got 2 rows of a tensor of sizes [2])
aten::__unpack(tensor([1, 2]), 1) => ValueError: too many values to unpack (expected 1, got 2 rows of a tensor of sizes [2])
aten::__unpack(tensor(1), 1) => TypeError: iteration over a 0-d tensor: it cannot be unpacked
aten::clone(tensor([1, 2])) => tensor([1, 2])
aten::size(tensor([[1, 2]])) => [1, 2]
aten::size.int(tensor([[1, 2]]), -1) => 2
aten::stride(tensor([[1, 2]])) => [2, 1]
aten::dim(tensor([[1, 2]])) => 2
aten::numel(tensor([[1, 2]])) => 2
aten::len.Tensor(tensor([[1, 2]])) => 1
aten::len.Tensor(tensor(1)) => TypeError: len() of a 0-d tensor
aten::is_contiguous(tensor([1])) => True
aten::is_floating_point(tensor([1])) => False
prim::dtype(tensor([1])) => 4
prim::device(tensor([1])) => 'cpu'
prim::requires_grad(tensor([1])) => False
prim::is_leaf(tensor([1])) => True
prim::data(tensor([1])) => tensor([1])
aten::device('cpu') => 'cpu'
aten::device('cuda:1') => ValueError: device 'cuda:1' is not available; tensors live on 'cpu'
aten::device.with_index('cpu', 0) => 'cpu:0'
prim::type('cpu:0') => 'cpu'
prim::index('cpu:0') => 0
prim::index('cpu') => None

creation
aten::zeros([2]) => tensor([0., 0.])
aten::zeros([], dtype=4) => tensor(0)
aten::ones([2], dtype=4) => tensor([1, 1])
aten::ones([2], dtype=5) => ValueError: dtype number 5 is not supported; there are uint8 (0), int64 (4), float32 (6), float64 (7) and bool (11)
aten::ones([2], device='cpu') => tensor([1., 1.])
aten::ones([2], dtype=None, device='cuda:0') => ValueError: device 'cuda:0' is not available; tensors live on 'cpu'
aten::full([2], 7) => tensor([7, 7])
aten::full([2], True) => tensor([True, True])
aten::empty([2]) => *
aten::zeros_like(tensor([1, 2])) => tensor([0, 0])
aten::ones_like(tensor([1, 2]), dtype=6) => tensor([1., 1.])
aten::full_like(tensor([1., 2.]), 3) => tensor([3., 3.])
aten::empty_like(tensor([1, 2])) => *
aten::arange(4) => tensor([0, 1, 2, 3])
aten::arange.start(1, 3) => tensor([1, 2])
aten::arange.start_step(0., 1., 0.5) => tensor([0.0000, 0.5000])
aten::linspace(0, 1, 3) => tensor([0.0000, 0.5000, 1.0000])
aten::eye(2) => tensor([[1., 0.],~        [0., 1.]])
aten::eye.m(1, 2) => tensor([[1., 0.]])
aten::tensor([[1, 2], [3, 4.5]]) => tensor([[1.0000, 2.0000],~        [3.0000, 4.5000]])
aten::tensor((True, False)) => tensor([ True, False])
aten::tensor([]) => tensor([])
aten::tensor(3) => tensor(3)
aten::tensor([1, 2], dtype=6) => tensor([1., 2.])
aten::tensor([tensor(1.), 2]) => tensor([1., 2.])
aten::tensor([tensor(1), 2.5]) => tensor([1.0000, 2.5000])
aten::tensor([2.5, tensor(1)]) => tensor([2.5000, 1.0000])
aten::tensor([tensor(True), 2]) => tensor([1, 2])
aten::tensor(tensor([1, 2]), dtype=6) => tensor([1., 2.])
aten::tensor([[1, 2], [3]]) => ValueError: expected sequence of length 2 at dim 1 (got 1)
aten::tensor([1, [2]]) => ValueError: tensor(): expected a number at dim 1, but got list of 1
aten::tensor([[1], 2]) => ValueError: tensor(): expected a sequence of length 1 at dim 1, but got int 2
aten::tensor(['a']) => TypeError: tensor(): expected numbers, or lists of them, but got str 'a'
aten::scalar_tensor(2.5) => tensor(2.5000)
prim::NumToTensor(3) => tensor(3)
aten::rand([2]) => *
aten::randn([2]) => *
aten::randint(10, [2]) => *
aten::randint.low(5, 6, [2]) => tensor([5, 5])
aten::randperm(1) => tensor([0])
aten::rand_like(tensor([1.])) => *
aten::randn_like(tensor([1.])) => *
aten::uniform_(tensor([1., 2.])) => *
aten::normal_(tensor([1., 2.])) => *
aten::dropout(tensor([1., 2.]), 0.0) => tensor([1., 2.])
aten::dropout(tensor([1., 2.]), 1.0) => tensor([0., 0.])
aten::dropout(tensor([1., 2.]), 0.5, False) => tensor([1., 2.])
aten::dropout(tensor([1., 2.])) => *
aten::dropout(tensor([1., 2.]), 1.5) => ValueError: dropout probability has to be between 0 and 1, but got 1.5
aten::dropout.functional(tensor([1., 2.]), 0.5, False) => tensor([1., 2.])
aten::manual_seed(3) => None

conversion
aten::to.dtype(tensor([1, 2]), 6) => tensor([1., 2.])
aten::to.device(tensor([1, 2]), 'cpu') => tensor([1, 2])
aten::to.device_dtype(tensor([1, 2]), 'cpu', 4) => tensor([1, 2])
aten::to.dtype_layout(tensor([1, 2]), device='cpu') => tensor([1, 2])
aten::to.other(tensor([1, 2]), tensor([1.])) => tensor([1., 2.])
aten::type_as(tensor([1, 2]), tensor([1.])) => tensor([1., 2.])
aten::float(tensor([1, 2])) => tensor([1., 2.])
aten::double(tensor([1, 2])) => tensor([1., 2.], dtype=tine.float64)
aten::long(tensor([1.5, 2.])) => tensor([1, 2])
aten::bool(tensor([0, 2])) => tensor([False,  True])
aten::byte(tensor([0, 2])) => tensor([0, 2], dtype=tine.uint8)
aten::cpu(tensor([1])) => tensor([1])
aten::item(tensor([1.5])) => 1.5
aten::item(tensor([1, 2])) => RuntimeError: a Tensor with 2 elements cannot be converted to Scalar
aten::tolist(tensor([[1, 2], [3, 4]])) => [[1, 2], [3, 4]]
aten::tolist(tensor(True)) => True
prim::tolist(tensor([[1, 2]]), 2, 'int') => [[1, 2]]
prim::tolist(tensor(1.5), 0, 'float') => 1.5
prim::tolist(tensor([1]), 2, 'int') => TypeError: tolist() was declared to give int in 2 dimensions, but the Tensor has int in 1
prim::tolist(tensor([True]), 1, 'int') => TypeError: tolist() was declared to give int in 1 dimension, but the Tensor has bool in 1
aten::as_tensor(tensor([1])) => tensor([1])
aten::as_tensor.data([1, 2]) => tensor([1, 2])
aten::IntImplicit(tensor(3)) => 3
aten::IntImplicit(tensor(3.0)) => TypeError: Cannot input a tensor of type float32 as an integral argument
aten::FloatImplicit(tensor(3)) => 3.0
aten::Int.Tensor(tensor(3)) => 3
aten::Float.Tensor(tensor(1.5)) => 1.5
aten::Bool.Tensor(tensor([0])) => False
)calls";

}  // namespace tine::value
