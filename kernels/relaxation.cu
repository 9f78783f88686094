// Scores of candidates from pairs of minutiae that agree with each other.
//
// x, y: int16 px, y down; angle: uint8, 1/256 turn counter-clockwise; start: int64 [prints + 1];
// candidates: int64 [batch], the first `share` of them the first probe's, and so on; pairs: uint8
// [most][batch], most <= 32, best first; cosine, sine: float [256]; pairs_scored: int [65].
// score: float [batch]; kept: float [most][batch], zeros at the start.
//
// A block takes a candidate. Its threads take the pairs of pairs, whose consistency stays in shared
// memory for all rounds; then each takes a pair, and sums in the order of the reference.

#define MAX_PAIRS 32

extern "C" __global__ void relaxation(
    const short* __restrict__ probe_x, const short* __restrict__ probe_y,
    const unsigned char* __restrict__ probe_angle, const long long* __restrict__ probe_start,
    int share, const short* __restrict__ x, const short* __restrict__ y,
    const unsigned char* __restrict__ angle, const long long* __restrict__ start,
    const long long* __restrict__ candidates, int batch,
    const unsigned char* __restrict__ probe_index,
    const unsigned char* __restrict__ candidate_index,
    const unsigned char* __restrict__ likeness, int most,
    const float* __restrict__ cosine, const float* __restrict__ sine,
    float keep, float others, int rounds, float reach, float stretch, float turn,
    const int* __restrict__ pairs_scored, float* __restrict__ score, float* __restrict__ kept)
{
    __shared__ float own_x[MAX_PAIRS], own_y[MAX_PAIRS], to_x[MAX_PAIRS], to_y[MAX_PAIRS];
    __shared__ float cos[MAX_PAIRS], sin[MAX_PAIRS], begin[MAX_PAIRS], now[MAX_PAIRS];
    __shared__ float next[MAX_PAIRS], mixing[MAX_PAIRS * MAX_PAIRS];
    __shared__ int turned[MAX_PAIRS];
    for (int b = blockIdx.x; b < batch; b += gridDim.x) {
        const long long from = probe_start[b / share], first = start[candidates[b]];
        const int mine = (int)(probe_start[b / share + 1] - from);
        const int theirs = (int)(start[candidates[b] + 1] - first);
        int found = 0;  // best first: nothing follows a likeness of 0
        while (found < most && likeness[(long long)found * batch + b]) ++found;
        for (int k = threadIdx.x; k < found; k += blockDim.x) {
            const long long at = (long long)k * batch + b;
            const long long i = from + probe_index[at], j = first + candidate_index[at];
            own_x[k] = probe_x[i];
            own_y[k] = probe_y[i];
            to_x[k] = x[j];
            to_y[k] = y[j];
            turned[k] = (angle[j] - probe_angle[i]) & 255;
            cos[k] = cosine[turned[k]];
            sin[k] = sine[turned[k]];
            begin[k] = now[k] = likeness[at] / 128.0f;
        }
        __syncthreads();
        for (int pair = threadIdx.x; pair < found * found; pair += blockDim.x) {
            const int t = pair / found, k = pair % found;
            const float right = own_x[k] - own_x[t], down = own_y[k] - own_y[t];
            const float off_x = to_x[k] - to_x[t] - right * cos[t] - down * sin[t];
            const float off_y = to_y[k] - to_y[t] - down * cos[t] + right * sin[t];
            const float allowed = sqrtf(right * right + down * down) * stretch + reach;
            const float near = 1.5f - sqrtf(off_x * off_x + off_y * off_y) / allowed;
            const int rotation = (signed char)(turned[t] - turned[k]);
            const float same = 1.5f - (rotation < 0 ? -rotation : rotation) / turn;
            mixing[pair] = t == k ? keep
                : others * fminf(fmaxf(near, 0.0f), 1.0f) * fminf(fmaxf(same, 0.0f), 1.0f);
        }
        __syncthreads();
        for (int round = 0; round < rounds; ++round) {
            for (int t = threadIdx.x; t < found; t += blockDim.x) {
                float sum = 0.0f;
                for (int k = 0; k < found; ++k) sum += mixing[t * found + k] * now[k];
                next[t] = sum;
            }
            __syncthreads();
            for (int t = threadIdx.x; t < found; t += blockDim.x) now[t] = next[t];
            __syncthreads();
        }
        for (int t = threadIdx.x; t < found; t += blockDim.x) {
            kept[(long long)t * batch + b] = now[t];
            const float efficiency = now[t] / begin[t];
            int place = 0;  // among all, the most efficient first; equals in their order
            for (int k = 0; k < found; ++k) {
                const float other = now[k] / begin[k];
                place += other > efficiency || (other == efficiency && k < t);
            }
            next[place] = now[t];
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            const int scored = pairs_scored[theirs < mine ? theirs : mine];
            float total = 0.0f;
            for (int k = 0; k < scored && k < found; ++k) total += next[k];
            score[b] = total / scored;
        }
        __syncthreads();
    }
}
