// Minutiae that met, that should have met, and how alike the met ones are.
//
// codes: uint64 [words][..], a row apart by probe_row or code_row words; x, y: int16 px;
// start: int64 [prints + 1]; partner: uint8 [probe_count][batch], 255 for none; the other parts of
// the deformation as in lie.cuh. counts: int [4][batch], as kernels/agreement.py has them.
//
// A block takes a candidate, its threads the minutiae; sums and boxes are of integers, so that
// their order does not matter.

#include "lie.cuh"

#define NOBODY 255

struct Box {
    int left, right, top, bottom;
};

__device__ static void widen(Box& box, int x, int y)
{
    atomicMin(&box.left, x);
    atomicMax(&box.right, x);
    atomicMin(&box.top, y);
    atomicMax(&box.bottom, y);
}

__device__ static bool inside(const Box& box, int margin, float x, float y)
{
    return x >= box.left - margin && x <= box.right + margin
        && y >= box.top - margin && y <= box.bottom + margin;
}

extern "C" __global__ void agreement(
    const unsigned long long* __restrict__ probe_codes, long long probe_row,
    const float* __restrict__ probe_x, const float* __restrict__ probe_y, int probe_count,
    const unsigned long long* __restrict__ codes, long long code_row,
    const short* __restrict__ x, const short* __restrict__ y,
    const long long* __restrict__ start, int words,
    const long long* __restrict__ candidates, int batch,
    const float* __restrict__ affine, const unsigned char* __restrict__ partner,
    const float* __restrict__ weight, const float* __restrict__ rest, float spread, float held,
    int margin, int* __restrict__ counts)
{
    __shared__ Lie lie;
    __shared__ Box own, other;
    __shared__ int total[4];
    for (int b = blockIdx.x; b < batch; b += gridDim.x) {
        const long long first = start[candidates[b]];
        const int count = (int)(start[candidates[b] + 1] - first);
        read_lie(lie, probe_x, probe_y, probe_count, affine, weight, rest, spread, held, b, batch);
        if (threadIdx.x == 0) {
            own = other = {1 << 20, -(1 << 20), 1 << 20, -(1 << 20)};  // holds nothing
            total[0] = total[1] = total[2] = total[3] = 0;
        }
        __syncthreads();
        for (int i = threadIdx.x; i < probe_count; i += blockDim.x)
            widen(own, (int)lie.x[i], (int)lie.y[i]);
        for (int g = threadIdx.x; g < count; g += blockDim.x)
            widen(other, x[first + g], y[first + g]);
        __syncthreads();
        for (int i = threadIdx.x; i < probe_count; i += blockDim.x) {
            const int g = partner[(long long)i * batch + b];
            float at_x, at_y;
            lay(lie, lie.x[i], lie.y[i], &at_x, &at_y);
            if (g != NOBODY || inside(other, margin, at_x, at_y)) atomicAdd(&total[1], 1);
            if (g == NOBODY) continue;
            int distance = 0;
            for (int w = 0; w < words; ++w)
                distance += __popcll(probe_codes[w * probe_row + i]
                                     ^ codes[w * code_row + first + g]);
            atomicAdd(&total[0], 1);
            if (distance < 32 * words) atomicAdd(&total[3], 32 * words - distance);
        }
        const float xx = lie.affine[0], xy = lie.affine[1], yx = lie.affine[2], yy = lie.affine[3];
        const float scale = 1.0f / (xx * yy - xy * yx);
        for (int g = threadIdx.x; g < count; g += blockDim.x) {
            const float off_x = x[first + g] - lie.affine[4], off_y = y[first + g] - lie.affine[5];
            const float back_x = (yy * off_x - xy * off_y) * scale;
            const float back_y = (xx * off_y - yx * off_x) * scale;
            if (inside(own, margin, back_x, back_y)) atomicAdd(&total[2], 1);
        }
        __syncthreads();
        for (int row = threadIdx.x; row < 4; row += blockDim.x)
            counts[(long long)row * batch + b]
                = row == 2 && total[2] < total[0] ? total[0] : total[row];
        __syncthreads();
    }
}
