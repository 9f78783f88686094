// Best partners by local similarity, between one probe and the candidates of a gallery.
//
// codes: uint64 [words][..], a row apart by probe_row or code_row words; angles: uint8 [minutiae]; start: int64 [prints + 1];
// candidates: int64 [batch]. row: uint16 [probe_count][batch], col: uint16 [width][batch],
// keys similarity << 6 | 63 - index, as kernels/similarity.py has them; both start as zeros.
//
// A block takes a candidate, its threads the pairs of minutiae; the best of a row or a column is
// a shared-memory maximum, so the order of the threads does not matter and the result is exact.

extern "C" __global__ void similarity(
    const unsigned long long* __restrict__ probe_codes, long long probe_row,
    const unsigned char* __restrict__ probe_angle, int probe_count,
    const unsigned long long* __restrict__ codes, long long code_row,
    const unsigned char* __restrict__ angle, const long long* __restrict__ start, int words,
    const long long* __restrict__ candidates, int batch, int width, int gate,
    unsigned short* __restrict__ row, unsigned short* __restrict__ col)
{
    __shared__ unsigned int best_row[64];
    __shared__ unsigned int best_col[64];
    const int top = 32 * words - 1;
    for (int b = blockIdx.x; b < batch; b += gridDim.x) {
        const long long first = start[candidates[b]];
        const int count = (int)(start[candidates[b] + 1] - first);
        for (int i = threadIdx.x; i < 64; i += blockDim.x) best_row[i] = best_col[i] = 0;
        __syncthreads();
        for (int pair = threadIdx.x; pair < probe_count * count; pair += blockDim.x) {
            const int i = pair / count, g = pair % count;
            const int turn = (angle[first + g] - probe_angle[i] + gate) & 255;
            if (turn > 2 * gate) continue;
            int distance = 0;
            for (int w = 0; w < words; ++w)
                distance += __popcll(probe_codes[w * probe_row + i]
                                     ^ codes[w * code_row + first + g]);
            if (distance >= top) continue;
            const unsigned int likeness = (unsigned int)(top - distance) << 6;
            atomicMax(&best_row[i], likeness | (63 - g));
            atomicMax(&best_col[g], likeness | (63 - i));
        }
        __syncthreads();
        for (int i = threadIdx.x; i < probe_count; i += blockDim.x)
            row[(long long)i * batch + b] = (unsigned short)best_row[i];
        for (int g = threadIdx.x; g < width; g += blockDim.x)
            col[(long long)g * batch + b] = (unsigned short)best_col[g];
        __syncthreads();
    }
}
