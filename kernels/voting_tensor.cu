// Votes as voting.cu has them, on tensor cores (sm_80 and later): the same integers, parameters as
// there. A block is of whole warps.
//
// A bit of a probe's code is 1 or -1, of a candidate's 1 or 0: the product of two codes is the bits
// set in both less those set in the candidate's alone, which are the bits set in the probe's less
// those that differ. So a likeness is 32 * words - 1 less the probe's bits set, plus the product.
//
// A warp takes 16 * TILES of the minutiae of all probes as the rows of a product and keeps them in
// registers; the columns are a candidate's minutiae, 8 at a time, from shared memory. The order of
// the bits in a product is of no account, so each lane takes those that it finds in words of its
// own: one `and` picks four, a byte apart. They weigh what their place in the byte makes them, 1
// to 64, and the probe's 64 to 1, so that a product comes out 64 times too large.

#define MAX_MINUTIAE 64
#define MAX_WORDS 4
#define MAX_SLOTS 16
#define MAX_PROBES 64
#define TILES 2  // with 4, fewer than four blocks of 128 threads have room for their registers
#define BLOCKS 1024  // enough for any device: with fewer candidates, a block takes fewer at a time
#define NEVER (-(1 << 15))  // no product is that low, and no product lifts a likeness from there

struct Probes {
    const unsigned long long* code;
    long long row;
    const unsigned char* angle;
    const long long* start;
    int count, minutiae;
};

struct Candidates {  // of a block
    // four words more a row, so that the lanes of a warp find theirs in different banks
    unsigned long long code[MAX_SLOTS][MAX_WORDS][MAX_MINUTIAE + 4];
    unsigned int turn[MAX_SLOTS][MAX_MINUTIAE];  // in the upper byte, so that it wraps
    unsigned int total[MAX_SLOTS][MAX_PROBES];
    int count[MAX_SLOTS];
};

// sum += a * b: a lane l has of a bytes 4 (l % 4) .. + 3 and 16 more on, of row l / 4 in a[0] and
// a[2], of row l / 4 + 8 in a[1] and a[3]; of b the same bytes of column l / 4; and sums for both
// rows, of columns 2 (l % 4) and + 1.
__device__ static __forceinline__ void multiply(
    int (&sum)[4], const unsigned int (&a)[4], const unsigned int (&b)[2])
{
#ifdef __CUDACC__
    asm volatile(
        "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+r"(sum[0]), "+r"(sum[1]), "+r"(sum[2]), "+r"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    host::mma_m16n8k32(sum, a, b);
#endif
}

// `x`, in a register from here on: a compiler would rather work it out again for each candidate.
__device__ static __forceinline__ unsigned int kept(unsigned int x)
{
#ifdef __CUDACC__
    asm volatile("" : "+r"(x));
#endif
    return x;
}

// most = max(most, sum), where turn <= open: three instructions a pair, which compilers make four.
__device__ static __forceinline__ void lift(
    int& most, int sum, unsigned int turn, unsigned int open)
{
#ifdef __CUDACC__
    asm("{ .reg .pred p; setp.le.u32 p, %2, %3; @p max.s32 %0, %0, %1; }"
        : "+r"(most) : "r"(sum), "r"(turn), "r"(open));
#else
    if (turn <= open) most = max(most, sum);
#endif
}

// The bits of a code that are this lane's, a fourth: 16 * WORDS, in words of 32, of the last of an
// odd number of words only the lower half of each byte.
template <int WORDS>
__device__ static __forceinline__ void take(
    const unsigned long long* code, long long row, int fourth, unsigned int (&part)[2])
{
    if constexpr (WORDS == 4) {
        const unsigned long long word = code[fourth * row];
        part[0] = (unsigned int)word;
        part[1] = (unsigned int)(word >> 32);
    } else if constexpr (WORDS > 1) {
        part[0] = (unsigned int)(code[fourth / 2 * row] >> 32 * (fourth % 2));
    }
    if constexpr (WORDS % 2) {
        const unsigned long long word = code[(WORDS - 1) * row];
        part[WORDS / 2] = (unsigned int)(word >> (32 * (fourth / 2) + 4 * (fourth % 2)));
        part[WORDS / 2] &= 0x0f0f0f0fu;
    }
}

// The votes of 16 * COUNT minutiae from `first` on, or what there is, for every `apart`th of the
// candidates from `slot` on.
template <int WORDS, int COUNT>
__device__ static __forceinline__ void look(
    const Probes& own, int first, Candidates& held, int slot, int apart, int slots, int gate,
    const unsigned short* __restrict__ weight)
{
    if constexpr (COUNT > 1)
        if (own.minutiae - first <= 8 * COUNT)
            return look<WORDS, COUNT / 2>(own, first, held, slot, apart, slots, gate, weight);
    const int lane = threadIdx.x % 32, line = lane / 4, fourth = lane % 4;
    const unsigned int open = 2u * gate << 24;
    unsigned int bits[COUNT][2 * WORDS][4], shifted[COUNT][2];
    int base[COUNT], probe[COUNT];  // of the row that this lane votes for: the first two of four do
#pragma unroll
    for (int i = 0; i < COUNT; ++i) {
        base[i] = NEVER;
        probe[i] = 0;
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const int row = first + 16 * i + 8 * half + line;
            const long long at = own.start[0] + min(row, own.minutiae - 1);
            shifted[i][half] = (unsigned int)(gate - own.angle[at]) << 24;
            unsigned int part[2];
            take<WORDS>(own.code + at, own.row, fourth, part);
            int set = 0;
#pragma unroll
            for (int p = 0; p < (WORDS + 1) / 2; ++p) set += __popc(part[p]);
            set += __shfl_xor_sync(~0u, set, 1);
            set += __shfl_xor_sync(~0u, set, 2);
#pragma unroll
            for (int j = 0; j < 4 * WORDS; ++j) {
                const unsigned int four = part[j / 8] >> j % 8 & 0x01010101u;
                const unsigned int heavy = 64 >> min(j % 8, 6), minus = 256 - heavy;
                bits[i][j / 2][j % 2 * 2 + half]
                    = kept(four * (heavy ^ minus) ^ minus * 0x01010101u);
            }
            if (fourth != half || row >= own.minutiae) continue;
            base[i] = 32 * WORDS - 1 - set;
            for (int step = MAX_PROBES / 2; step > 0; step /= 2)
                if (probe[i] + step < own.count && own.start[probe[i] + step] <= at)
                    probe[i] += step;
        }
    }
    for (; slot < slots; slot += apart) {
        int most[COUNT][2];
#pragma unroll
        for (int i = 0; i < COUNT; ++i) most[i][0] = most[i][1] = NEVER;
        for (int g = 0; g < held.count[slot]; g += 8) {
            unsigned int part[2];
            take<WORDS>(&held.code[slot][0][g + line], MAX_MINUTIAE + 4, fourth, part);
            int sum[COUNT][4] = {};
#pragma unroll
            for (int j = 0; j < 4 * WORDS; j += 2) {
                unsigned int both[2];
#pragma unroll
                for (int k = 0; k < 2; ++k)
                    both[k] = (j + k) % 8 < 7 ? part[j / 8] & 0x01010101u << (j + k) % 8
                                              : part[j / 8] >> 1 & 0x40404040u;
#pragma unroll
                for (int i = 0; i < COUNT; ++i) multiply(sum[i], bits[i][j / 2], both);
            }
#pragma unroll
            for (int k = 0; k < 2; ++k) {
                const unsigned int turn = held.turn[slot][g + 2 * fourth + k];
#pragma unroll
                for (int i = 0; i < COUNT; ++i)
#pragma unroll
                    for (int half = 0; half < 2; ++half)
                        // |difference| <= gate, shifted by the gate, is one comparison
                        lift(most[i][half], sum[i][2 * half + k], turn + shifted[i][half], open);
            }
        }
#pragma unroll
        for (int i = 0; i < COUNT; ++i) {
            const bool odd = fourth % 2;  // a lane gives away the row that is not its own
            const int other = __shfl_xor_sync(~0u, odd ? most[i][0] : most[i][1], 1);
            int best = max(odd ? most[i][1] : most[i][0], other);
            best = max(best, __shfl_xor_sync(~0u, best, 2));
            const int likeness = base[i] + (best >> 6);
            if (likeness > 0)
                atomicAdd(&held.total[slot][probe[i]], (unsigned int)weight[likeness]);
        }
    }
}

extern "C" __global__ void voting_tensor(
    const unsigned long long* __restrict__ probe_codes, long long probe_row,
    const unsigned char* __restrict__ probe_angle, const long long* __restrict__ probe_start,
    int probes, const unsigned long long* __restrict__ codes, long long code_row,
    const unsigned char* __restrict__ angle, const long long* __restrict__ start, int words,
    const long long* __restrict__ candidates, long long first, int batch, int gate,
    const unsigned short* __restrict__ weight, unsigned short* __restrict__ votes)
{
    __shared__ Candidates held;
    const int minutiae = (int)(probe_start[probes] - probe_start[0]);
    const Probes own = {probe_codes, probe_row, probe_angle, probe_start, probes, minutiae};
    const int slots = max(1, min(MAX_SLOTS, batch / (int)min(gridDim.x, BLOCKS)));
    // as few shares of a block's candidates as give every warp the same work
    const int groups = (minutiae + 16 * TILES - 1) / (16 * TILES);
    const int warps = blockDim.x / 32, even = min(groups & -groups, warps);
    const int shares = even ? warps / even : 1;
    const long long stride = (long long)gridDim.x * slots;
    for (long long b = (long long)blockIdx.x * slots; b < batch; b += stride) {
        const int here = batch - b < slots ? (int)(batch - b) : slots;
        for (int i = threadIdx.x; i < here * MAX_MINUTIAE; i += blockDim.x) {
            const int slot = i / MAX_MINUTIAE, g = i % MAX_MINUTIAE;
            const long long print = first < 0 ? candidates[b + slot] : first + b + slot;
            const int all = (int)(start[print + 1] - start[print]);
            if (g == 0) held.count[slot] = all;
            if (g >= (all + 7) / 8 * 8) continue;
            const long long at = start[print] + min(g, all - 1);  // the last again, up to whole 8
            for (int w = 0; w < words; ++w) held.code[slot][w][g] = codes[w * code_row + at];
            held.turn[slot][g] = (unsigned int)angle[at] << 24;
        }
        for (int i = threadIdx.x; i < here * probes; i += blockDim.x)
            held.total[i / probes][i % probes] = 0;
        __syncthreads();
        for (int i = threadIdx.x / 32; i < groups * shares; i += warps) {
            const int from = i / shares * 16 * TILES, share = i % shares;
            if (words == 1) look<1, TILES>(own, from, held, share, shares, here, gate, weight);
            if (words == 2) look<2, TILES>(own, from, held, share, shares, here, gate, weight);
            if (words == 3) look<3, TILES>(own, from, held, share, shares, here, gate, weight);
            if (words == 4) look<4, TILES>(own, from, held, share, shares, here, gate, weight);
        }
        __syncthreads();
        for (int i = threadIdx.x; i < here * probes; i += blockDim.x)
            votes[(long long)(i % probes) * batch + b + i / probes]
                = (unsigned short)held.total[i / probes][i % probes];
        __syncthreads();
    }
}
