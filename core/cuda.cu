// Pricing and aggregation on a CUDA device: one warp for each instrument or row of positions.
//
// The loops are those of the CPU, from the same headers, with one more flavour of lanes. What they
// take lies in device memory as 64-bit words, in the order of the structs of kernels.hpp. Compiled
// at run time with --device-as-default-execution-space, --fmad=false and without fast math; see
// src/counterpoise/adapters/gpu.py.
#define COUNTERPOISE_CUDA
#define COUNTERPOISE_ISA cuda

#if defined(__CUDACC_RTC__)
#include "nvrtc.hpp"
#endif

#include "aggregate.hpp"
#include "black76.hpp"

using namespace counterpoise;

static_assert(sizeof(Instruments) == 12 * 8 && sizeof(Scenarios) == 10 * 8 &&
              sizeof(Prices) == 3 * 8 && sizeof(Aggregation) == 16 * 8,
              "the words that Python sends are those of the structs");

static std::int64_t warp_of_grid() {
    const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    return thread / cuda::WIDTH;
}

extern "C" __global__ void price_grid(const Instruments* in, const Scenarios* scenarios,
                                      const Prices* out, std::int64_t count) {
    const std::int64_t i = warp_of_grid();
    if (i < count) cuda::price(Instruments(*in), Scenarios(*scenarios), Prices(*out), i, i + 1);
}

extern "C" __global__ void worst_loss(const Aggregation* in, double* loss, std::int32_t* scenario,
                                      std::int64_t rows) {
    const std::int64_t row = warp_of_grid();
    if (row < rows) cuda::worst_of_gains(Aggregation(*in), row, loss + row, scenario + row);
}

extern "C" __global__ void loss_vectors(const Aggregation* in, double* raw, double* transformed,
                                        std::int64_t rows) {
    const std::int64_t row = warp_of_grid();
    if (row < rows) cuda::vectors(Aggregation(*in), raw, transformed, row, row + 1);
}
