// Scores of candidates from pairs of minutiae that agree with each other.
//
// x, y: int16 px, y down; angle: uint8, 1/256 turn counter-clockwise; start: int64 [prints + 1];
// pairs: uint8 [most][batch], most <= 32; cosine, sine: float [256]; pairs_scored: int [65].
// score: float [batch]; kept: float [most][batch].
//
// One thread takes a candidate; the consistency of two pairs is computed anew in each round,
// which costs less than 32 x 32 floats of local memory a thread would.

#define MAX_PAIRS 32

extern "C" __global__ void relaxation(
    const short* __restrict__ probe_x, const short* __restrict__ probe_y,
    const unsigned char* __restrict__ probe_angle, int probe_count,
    const short* __restrict__ x, const short* __restrict__ y,
    const unsigned char* __restrict__ angle, const long long* __restrict__ start,
    const long long* __restrict__ candidates, int batch,
    const unsigned char* __restrict__ probe_index,
    const unsigned char* __restrict__ candidate_index,
    const unsigned char* __restrict__ likeness, int most,
    const float* __restrict__ cosine, const float* __restrict__ sine,
    float keep, int rounds, float reach, float stretch, float turn,
    const int* __restrict__ pairs_scored, float* __restrict__ score, float* __restrict__ kept)
{
    for (int b = blockIdx.x * blockDim.x + threadIdx.x; b < batch; b += gridDim.x * blockDim.x) {
        const long long first = start[candidates[b]];
        const int count = (int)(start[candidates[b] + 1] - first);
        int found = 0;
        int i[MAX_PAIRS];
        long long j[MAX_PAIRS];
        float begin[MAX_PAIRS], now[MAX_PAIRS], next[MAX_PAIRS];
        for (int k = 0; k < most; ++k) {
            const long long at = (long long)k * batch + b;
            if (likeness[at] == 0) break;  // best first: nothing follows
            i[k] = probe_index[at];
            j[k] = first + candidate_index[at];
            begin[k] = now[k] = likeness[at] / 128.0f;
            found = k + 1;
        }
        const float others = (1.0f - keep) / (most - 1);
        for (int round = 0; round < rounds; ++round) {
            for (int t = 0; t < found; ++t) {
                const float pc = cosine[probe_angle[i[t]]], ps = sine[probe_angle[i[t]]];
                const float gc = cosine[angle[j[t]]], gs = sine[angle[j[t]]];
                float sum = 0.0f;
                for (int k = 0; k < found; ++k) {
                    if (k == t) continue;
                    const float px = probe_x[i[k]] - probe_x[i[t]];
                    const float py = probe_y[i[t]] - probe_y[i[k]];
                    const float gx = x[j[k]] - x[j[t]], gy = y[j[t]] - y[j[k]];
                    const float a = pc * px + ps * py, c = pc * py - ps * px;
                    const float du = gc * gx + gs * gy - a, dv = gc * gy - gs * gx - c;
                    const float allowed = sqrtf(a * a + c * c) * stretch + reach;
                    const float near = 1.5f - sqrtf(du * du + dv * dv) / allowed;
                    const int rotation = (signed char)((angle[j[t]] - probe_angle[i[t]])
                                                       - (angle[j[k]] - probe_angle[i[k]]));
                    const float same = 1.5f - (rotation < 0 ? -rotation : rotation) / turn;
                    sum += fminf(fmaxf(near, 0.0f), 1.0f) * fminf(fmaxf(same, 0.0f), 1.0f) * now[k];
                }
                next[t] = keep * now[t] + others * sum;
            }
            for (int t = 0; t < found; ++t) now[t] = next[t];
        }
        for (int t = 0; t < found; ++t) kept[(long long)t * batch + b] = now[t];
        const int scored = pairs_scored[count < probe_count ? count : probe_count];
        float total = 0.0f;
        for (int k = 0; k < scored && k < found; ++k) {  // the most efficient first
            int best = -1;
            float most_kept = -1.0f;
            for (int t = 0; t < found; ++t)
                if (begin[t] > 0.0f && now[t] / begin[t] > most_kept) {
                    most_kept = now[t] / begin[t];
                    best = t;
                }
            total += now[best];
            begin[best] = 0.0f;
        }
        score[b] = total / scored;
    }
}
