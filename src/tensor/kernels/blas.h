// The part of OpenBLAS that tine uses, under its own names. The PyPI package scipy-openblas32 puts a prefix before them, so
// that several builds of OpenBLAS can be in one process.
#pragma once

#include <cblas.h>

#ifdef TINE_SCIPY_OPENBLAS
#define cblas_sgemm scipy_cblas_sgemm
#define cblas_dgemm scipy_cblas_dgemm
#define cblas_sgemv scipy_cblas_sgemv
#define cblas_dgemv scipy_cblas_dgemv
#define openblas_set_num_threads scipy_openblas_set_num_threads
#define openblas_get_num_threads scipy_openblas_get_num_threads
#endif
