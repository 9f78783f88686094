// Best partners by local similarity, between probes and candidates of a gallery.
//
// codes: uint64 [words][..], a row apart by probe_row or code_row words, words <= 4; angles: uint8
// [minutiae]; start: int64 [prints + 1]; candidates: int64 [batch], the first `share` of them the
// first probe's, and so on. row: uint16 [most minutiae of a probe][batch], col: uint16 [64][batch],
// keys similarity << 6 | 63 - index, as kernels/similarity.py has them; both start as zeros.
//
// A block takes a candidate. A thread takes a minutia of either print and looks through those of
// the other in shared memory: every pair is compared twice, but nothing is shared or ordered.

#define MAX_MINUTIAE 64
#define MAX_WORDS 4

// The key of minutia i's best partner among begin .. end - 1: its code stays in registers.
template <int WORDS>
__device__ __forceinline__ static int find_best(
    const unsigned long long (*code)[MAX_WORDS], const int* turn, int i, int begin, int end,
    int gate)
{
    unsigned long long own[WORDS];
    for (int w = 0; w < WORDS; ++w) own[w] = code[i][w];
    const int shifted = turn[i] + gate, top = 32 * WORDS - 1;
    int best = 0;
    for (int k = begin; k < end; ++k) {
        int distance = 0;
        for (int w = 0; w < WORDS; ++w) distance += __popcll(own[w] ^ code[k][w]);
        const int key = (top - distance) * 64 + 63 - (k - begin);
        // |difference| <= gate, shifted by the gate, is one comparison
        const bool gated = ((shifted - turn[k]) & 255) <= 2 * gate;
        if (gated && distance < top && key > best) best = key;
    }
    return best;
}

extern "C" __global__ void similarity(
    const unsigned long long* __restrict__ probe_codes, long long probe_row,
    const unsigned char* __restrict__ probe_angle, const long long* __restrict__ probe_start,
    int share, const unsigned long long* __restrict__ codes, long long code_row,
    const unsigned char* __restrict__ angle, const long long* __restrict__ start, int words,
    const long long* __restrict__ candidates, int batch, int gate,
    unsigned short* __restrict__ row, unsigned short* __restrict__ col)
{
    __shared__ unsigned long long code[2 * MAX_MINUTIAE][MAX_WORDS];
    __shared__ int turn[2 * MAX_MINUTIAE];
    for (int b = blockIdx.x; b < batch; b += gridDim.x) {
        const long long from = probe_start[b / share], first = start[candidates[b]];
        const int mine = (int)(probe_start[b / share + 1] - from);
        const int both = mine + (int)(start[candidates[b] + 1] - first);
        for (int i = threadIdx.x; i < both; i += blockDim.x) {
            const bool own = i < mine;
            const long long at = own ? from + i : first + i - mine;
            for (int w = 0; w < words; ++w)
                code[i][w] = own ? probe_codes[w * probe_row + at] : codes[w * code_row + at];
            turn[i] = own ? probe_angle[at] : angle[at];
        }
        __syncthreads();
        for (int i = threadIdx.x; i < both; i += blockDim.x) {
            const int begin = i < mine ? mine : 0, end = i < mine ? both : mine;
            const int best =  // a loop for each length: none counts bits that are not there
                words == 1 ? find_best<1>(code, turn, i, begin, end, gate)
                : words == 2 ? find_best<2>(code, turn, i, begin, end, gate)
                : words == 3 ? find_best<3>(code, turn, i, begin, end, gate)
                : find_best<4>(code, turn, i, begin, end, gate);
            if (i < mine) row[(long long)i * batch + b] = (unsigned short)best;
            else col[(long long)(i - mine) * batch + b] = (unsigned short)best;
        }
        __syncthreads();
    }
}
