// Votes of probes' minutiae for the prints of a gallery: each gives the weight of its best partner.
//
// codes: uint64 [words used][..], a row apart by probe_row or code_row words, words <= 4; angles:
// uint8 [minutiae]; start, probe_start: int64 [prints + 1]; probes <= 64. candidates: int64 [batch],
// where `first` is -1, or else the prints from there on. weight: uint16 [32 * words], weight[0] is
// 0. votes: uint16 [probes][batch].
//
// A block takes a few candidates at a time into shared memory; a thread takes a candidate and a
// probe's minutia, with the code in registers, and looks through the candidate's. All threads of a
// warp read the same few words, and nothing is ordered but the sums, which are of integers.

#define MAX_MINUTIAE 64
#define MAX_WORDS 4
#define MAX_SLOTS 8
#define MAX_PROBES 64

// How many candidates at a time leave the fewest threads idle.
__device__ static int choose_slots(int minutiae)
{
    int best = 1, idle = 1 << 30;  // of a thousand threads
    for (int slots = 1; slots <= MAX_SLOTS; ++slots) {
        const int work = slots * minutiae, rounds = (work + blockDim.x - 1) / blockDim.x;
        const int now = rounds ? 1000 - 1000 * work / (int)(rounds * blockDim.x) : 0;
        if (now < idle) idle = now, best = slots;
    }
    return best;
}

// Of a probe. |difference of directions| <= gate, shifted by the gate, is one comparison.
struct Minutia {
    const unsigned long long* code;  // its words are `row` apart
    long long row;
    int shifted, open;
};

// The least distance of a minutia from those of a print, 32 * WORDS - 1 at most.
template <int WORDS>
__device__ __forceinline__ static int find_nearest(
    const Minutia& own, const unsigned long long (*code)[MAX_WORDS], const unsigned char* turn,
    int count)
{
    unsigned long long mine[WORDS];
    for (int w = 0; w < WORDS; ++w) mine[w] = own.code[w * own.row];
    int nearest = 32 * WORDS - 1;
    for (int g = 0; g < count; ++g) {
        int distance = 0;
        for (int w = 0; w < WORDS; ++w) distance += __popcll(mine[w] ^ code[g][w]);
        if (((turn[g] + own.shifted) & 255) <= own.open && distance < nearest) nearest = distance;
    }
    return nearest;
}

extern "C" __global__ void voting(
    const unsigned long long* __restrict__ probe_codes, long long probe_row,
    const unsigned char* __restrict__ probe_angle, const long long* __restrict__ probe_start,
    int probes, const unsigned long long* __restrict__ codes, long long code_row,
    const unsigned char* __restrict__ angle, const long long* __restrict__ start, int words,
    const long long* __restrict__ candidates, long long first, int batch, int gate,
    const unsigned short* __restrict__ weight, unsigned short* __restrict__ votes)
{
    __shared__ unsigned long long code[MAX_SLOTS][MAX_MINUTIAE][MAX_WORDS];
    __shared__ unsigned char turn[MAX_SLOTS][MAX_MINUTIAE];
    __shared__ int count[MAX_SLOTS];
    __shared__ unsigned int total[MAX_SLOTS][MAX_PROBES];
    const int top = 32 * words - 1;
    const int minutiae = (int)(probe_start[probes] - probe_start[0]);
    const int slots = choose_slots(minutiae);
    for (long long b = (long long)blockIdx.x * slots; b < batch; b += (long long)gridDim.x * slots) {
        const int here = batch - b < slots ? (int)(batch - b) : slots;
        for (int i = threadIdx.x; i < here * MAX_MINUTIAE; i += blockDim.x) {
            const int slot = i / MAX_MINUTIAE, g = i % MAX_MINUTIAE;
            const long long print = first < 0 ? candidates[b + slot] : first + b + slot;
            const int all = (int)(start[print + 1] - start[print]);
            if (g == 0) count[slot] = all;
            if (g >= all) continue;
            const long long at = start[print] + g;
            for (int w = 0; w < words; ++w) code[slot][g][w] = codes[w * code_row + at];
            turn[slot][g] = angle[at];
        }
        for (int i = threadIdx.x; i < here * probes; i += blockDim.x)
            total[i / probes][i % probes] = 0;
        __syncthreads();
        for (int i = threadIdx.x; i < here * minutiae; i += blockDim.x) {
            const int slot = i / minutiae;
            const long long at = probe_start[0] + i % minutiae;
            const Minutia own = {probe_codes + at, probe_row, gate - probe_angle[at], 2 * gate};
            const int nearest =  // a loop for each length: none counts bits that are not there
                words == 1 ? find_nearest<1>(own, code[slot], turn[slot], count[slot])
                : words == 2 ? find_nearest<2>(own, code[slot], turn[slot], count[slot])
                : words == 3 ? find_nearest<3>(own, code[slot], turn[slot], count[slot])
                : find_nearest<4>(own, code[slot], turn[slot], count[slot]);
            if (nearest == top) continue;
            int probe = 0;
            while (probe_start[probe + 1] <= at) ++probe;
            atomicAdd(&total[slot][probe], (unsigned int)weight[top - nearest]);
        }
        __syncthreads();
        for (int i = threadIdx.x; i < here * probes; i += blockDim.x)
            votes[(long long)(i % probes) * batch + b + i / probes]
                = (unsigned short)total[i / probes][i % probes];
        __syncthreads();
    }
}
