import builtins
from typing import Any

from tine import futures as futures
from tine import jit as jit
from tine import nn as nn
from tine import multiprocessing as multiprocessing
from tine._C import Abandoned as Abandoned
from tine._C import AuthError as AuthError
from tine._C import Cancelled as Cancelled
from tine._C import Context as Context
from tine._C import DeadlineExceeded as DeadlineExceeded
from tine._C import PeerDied as PeerDied
from tine._C import RemoteError as RemoteError
from tine._C import ShapeError as ShapeError
from tine._C import Size as Size
from tine._C import SyntaxError as SyntaxError
from tine._C import Tensor as Tensor
from tine._C import dtype as dtype
from tine._C import float32 as float32
from tine._C import float64 as float64
from tine._C import from_dlpack as from_dlpack
from tine._C import from_numpy as from_numpy
from tine._C import get_num_threads as get_num_threads
from tine._C import int64 as int64
from tine._C import manual_seed as manual_seed
from tine._C import scheduler_counters as scheduler_counters
from tine._C import set_num_threads as set_num_threads
from tine._C import uint8 as uint8
from tine._C import get_num_threads as get_num_interop_threads
from tine._C import set_num_threads as set_num_interop_threads
from tine._C import TypeError as TypeError
from tine._C import ValueError as ValueError
from tine._C import IndexError as IndexError
from tine._C import KeyError as KeyError
from tine._C import AttributeError as AttributeError
from tine._C import NameError as NameError
from tine._C import AssertionError as AssertionError
from tine._C import ZeroDivisionError as ZeroDivisionError
from tine._C import OverflowError as OverflowError
from tine._C import MemoryError as MemoryError
from tine._C import OSError as OSError
from tine._context import CancelScope as CancelScope
from tine._context import deadline as deadline
from tine._grad_mode import enable_grad as enable_grad
from tine._grad_mode import inference_mode as inference_mode
from tine._grad_mode import is_grad_enabled as is_grad_enabled
from tine._grad_mode import no_grad as no_grad
from tine._grad_mode import set_grad_enabled as set_grad_enabled

# operators {{{ (written by tools/stubs)
from tine._C import add as add
from tine._C import sub as sub
from tine._C import rsub as rsub
from tine._C import add_ as add_
from tine._C import sub_ as sub_
from tine._C import pow as pow
from tine._C import maximum as maximum
from tine._C import minimum as minimum
from tine._C import addcmul as addcmul
from tine._C import div as div
from tine._C import mul as mul
from tine._C import floor_divide as floor_divide
from tine._C import remainder as remainder
from tine._C import mul_ as mul_
from tine._C import div_ as div_
from tine._C import floor_divide_ as floor_divide_
from tine._C import remainder_ as remainder_
from tine._C import pow_ as pow_
from tine._C import eq as eq
from tine._C import ne as ne
from tine._C import lt as lt
from tine._C import le as le
from tine._C import gt as gt
from tine._C import ge as ge
from tine._C import bitwise_and as bitwise_and
from tine._C import bitwise_or as bitwise_or
from tine._C import bitwise_xor as bitwise_xor
from tine._C import logical_and as logical_and
from tine._C import logical_or as logical_or
from tine._C import logical_xor as logical_xor
from tine._C import neg as neg
from tine._C import abs as abs
from tine._C import sign as sign
from tine._C import square as square
from tine._C import relu as relu
from tine._C import exp as exp
from tine._C import log as log
from tine._C import sqrt as sqrt
from tine._C import rsqrt as rsqrt
from tine._C import reciprocal as reciprocal
from tine._C import sin as sin
from tine._C import cos as cos
from tine._C import tanh as tanh
from tine._C import sigmoid as sigmoid
from tine._C import floor as floor
from tine._C import ceil as ceil
from tine._C import round as round
from tine._C import trunc as trunc
from tine._C import logical_not as logical_not
from tine._C import bitwise_not as bitwise_not
from tine._C import isnan as isnan
from tine._C import isfinite as isfinite
from tine._C import neg_ as neg_
from tine._C import abs_ as abs_
from tine._C import square_ as square_
from tine._C import relu_ as relu_
from tine._C import exp_ as exp_
from tine._C import log_ as log_
from tine._C import sqrt_ as sqrt_
from tine._C import reciprocal_ as reciprocal_
from tine._C import tanh_ as tanh_
from tine._C import sigmoid_ as sigmoid_
from tine._C import floor_ as floor_
from tine._C import round_ as round_
from tine._C import clamp as clamp
from tine._C import clamp_min as clamp_min
from tine._C import clamp_max as clamp_max
from tine._C import where as where
from tine._C import masked_fill as masked_fill
from tine._C import copy_ as copy_
from tine._C import fill_ as fill_
from tine._C import zero_ as zero_
from tine._C import sum as sum
from tine._C import mean as mean
from tine._C import prod as prod
from tine._C import any as any
from tine._C import all as all
from tine._C import max as max
from tine._C import min as min
from tine._C import argmax as argmax
from tine._C import argmin as argmin
from tine._C import softmax as softmax
from tine._C import log_softmax as log_softmax
from tine._C import equal as equal
from tine._C import allclose as allclose
from tine._C import matmul as matmul
from tine._C import mm as mm
from tine._C import bmm as bmm
from tine._C import mv as mv
from tine._C import dot as dot
from tine._C import linear as linear
from tine._C import addmm as addmm
from tine._C import nll_loss as nll_loss
from tine._C import cross_entropy as cross_entropy
from tine._C import cross_entropy_loss as cross_entropy_loss
from tine._C import mse_loss as mse_loss
from tine._C import one_hot as one_hot
from tine._C import view as view
from tine._C import view_as as view_as
from tine._C import reshape as reshape
from tine._C import flatten as flatten
from tine._C import contiguous as contiguous
from tine._C import detach as detach
from tine._C import squeeze as squeeze
from tine._C import unsqueeze as unsqueeze
from tine._C import expand as expand
from tine._C import expand_as as expand_as
from tine._C import permute as permute
from tine._C import transpose as transpose
from tine._C import t as t
from tine._C import numpy_T as numpy_T
from tine._C import select as select
from tine._C import slice as slice
from tine._C import narrow as narrow
from tine._C import unbind as unbind
from tine._C import split as split
from tine._C import chunk as chunk
from tine._C import cat as cat
from tine._C import concat as concat
from tine._C import stack as stack
from tine._C import index_select as index_select
from tine._C import gather as gather
from tine._C import masked_select as masked_select
from tine._C import index as index
from tine._C import index_put_ as index_put_
from tine._C import nonzero as nonzero
from tine._C import nonzero_numpy as nonzero_numpy
from tine._C import clone as clone
from tine._C import size as size
from tine._C import stride as stride
from tine._C import dim as dim
from tine._C import numel as numel
from tine._C import len as len
from tine._C import is_contiguous as is_contiguous
from tine._C import is_floating_point as is_floating_point
from tine._C import zeros as zeros
from tine._C import ones as ones
from tine._C import full as full
from tine._C import empty as empty
from tine._C import zeros_like as zeros_like
from tine._C import ones_like as ones_like
from tine._C import full_like as full_like
from tine._C import empty_like as empty_like
from tine._C import arange as arange
from tine._C import linspace as linspace
from tine._C import eye as eye
from tine._C import tensor as tensor
from tine._C import scalar_tensor as scalar_tensor
from tine._C import rand as rand
from tine._C import randn as randn
from tine._C import randint as randint
from tine._C import randperm as randperm
from tine._C import rand_like as rand_like
from tine._C import randn_like as randn_like
from tine._C import uniform_ as uniform_
from tine._C import normal_ as normal_
from tine._C import dropout as dropout
from tine._C import to as to
from tine._C import type_as as type_as
from tine._C import byte as byte
from tine._C import cpu as cpu
from tine._C import item as item
from tine._C import tolist as tolist
# }}} operators

_bool = builtins.bool
_float = builtins.float

__version__: str
e: _float
inf: _float
nan: _float
pi: _float

class device(str):
    def __new__(cls, name: str = "cpu", index: int | None = None) -> device: ...
    @property
    def type(self) -> str: ...
    @property
    def index(self) -> int | None: ...  # type: ignore[override]

def get_include() -> str: ...
def is_tensor(obj: object) -> _bool: ...
def get_default_dtype() -> dtype: ...
def as_tensor(data: Any, dtype: dtype | None = None) -> Tensor: ...

def __dir__() -> list[str]: ...

float: dtype
double: dtype
long: dtype
bool: dtype
