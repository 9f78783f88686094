// The prints with the most votes, of each probe, in the order of the gallery.
//
// votes: uint16 [probes][batch], below LEVELS. levels: int [probes][LEVELS], how many prints have so
// many votes; zeros at the start. before: int [2][probes][parts], from pass 1 the prints of each part
// that have more votes than the last one chosen, and as many; for pass 2 their sums over the parts
// before. chosen: int64 [probes][most], of which the prints are counted from `first` on.
//
// Three passes; a block takes one of `pieces` pieces of one probe's prints. Pass 0 counts levels; in
// the others every block walks down the levels to the last one chosen, then a thread goes through
// PART neighbouring prints. Counting instead of sorting: the order of the work does not matter.

#define LEVELS 4096
#define PART 64

// Where the last of `most` prints lies: its votes, and how many prints have more.
__device__ static void find_last(const int* levels, int most, int* part, int* last, int* more)
{
    const int each = LEVELS / 128;
    for (int i = threadIdx.x; i < 128; i += blockDim.x) {
        part[i] = 0;
        for (int level = i * each; level < (i + 1) * each; ++level) part[i] += levels[level];
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        int i = 127, above = 0;
        while (i > 0 && above + part[i] < most) above += part[i--];
        int level = (i + 1) * each - 1;
        while (level > 0 && above + levels[level] < most) above += levels[level--];
        *last = level;
        *more = above;
    }
    __syncthreads();
}

// As many votes as there are levels for: more of them must not lead out of the array.
__device__ static int within(unsigned short votes)
{
    return votes < LEVELS ? votes : LEVELS - 1;
}

extern "C" __global__ void selection(
    int pass, const unsigned short* __restrict__ votes, int probes, long long batch, long long first,
    int most, int pieces, int* __restrict__ levels, int* __restrict__ before, long long parts,
    long long* __restrict__ chosen)
{
    __shared__ int sums[LEVELS], last, more;
    for (int work = blockIdx.x; work < probes * pieces; work += gridDim.x) {
        const int probe = work / pieces;
        const unsigned short* mine = votes + probe * batch;
        int* own = levels + (long long)probe * LEVELS;
        const long long from = (long long)(work % pieces) * blockDim.x + threadIdx.x;
        const long long step = (long long)pieces * blockDim.x;
        if (pass == 0) {
            for (int i = threadIdx.x; i < LEVELS; i += blockDim.x) sums[i] = 0;
            __syncthreads();
            for (long long b = from; b < batch; b += step) atomicAdd(&sums[within(mine[b])], 1);
            __syncthreads();
            for (int i = threadIdx.x; i < LEVELS; i += blockDim.x)
                if (sums[i]) atomicAdd(&own[i], sums[i]);
            __syncthreads();
            continue;
        }
        find_last(own, most, sums, &last, &more);
        for (long long p = from; p < parts; p += step) {
            const long long end = (p + 1) * PART < batch ? (p + 1) * PART : batch;
            int* above = before + probe * parts + p;
            int* level = above + probes * parts;
            if (pass == 1) *above = *level = 0;
            int over = *above, equal = *level;
            for (long long b = p * PART; b < end; ++b) {
                const int votes_here = within(mine[b]);
                if (votes_here < last) continue;
                const int allowed = most - more;  // of those with just as many votes as the last
                if (pass == 2 && (votes_here > last || equal < allowed))
                    chosen[(long long)probe * most + over + (equal < allowed ? equal : allowed)]
                        = first + b;
                if (votes_here > last) ++over;
                else ++equal;
            }
            if (pass == 1) *above = over, *level = equal;
        }
        __syncthreads();
    }
}
