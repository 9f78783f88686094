// How one probe lies on the candidates of a gallery, and which of their minutiae then meet.
//
// x, y: int16 px, y down; angle: uint8, 1/256 turn counter-clockwise; start: int64 [prints + 1];
// pairs and kept: [most][batch], most <= 32, best first; cosine, sine: float [256]. limit, price
// (int), scale and stiffness (float): of each round, as kernels/deformation.py has them.
// affine: float [6][batch]; partner: uint8 [probe_count][batch]; weight: float
// [probe_count][batch]; rest: float [2][probe_count][batch]: they hold what is right for candidates
// without a pair, which are left alone.
//
// A block takes a candidate. Its threads take the minutiae, and the pairs of minutiae, of which
// the nearest is a shared-memory minimum, so that their order does not matter. One thread adds up
// what a map is fitted to: at most 64 terms, in the order of the reference.

#include "lie.cuh"

#define MAX_MINUTIAE 64
#define MAX_PAIRS 32
#define FINE 8  // steps of a pixel
#define EDGE 2047.0f  // px: places are cut off there, so that squares fit 32 bits
#define STEPS_OF_RADIAN 40.7436654315252f  // 256 to the turn
#define NOBODY 0xffffffffu

struct Points {
    float x[MAX_MINUTIAE], y[MAX_MINUTIAE];
};

// Cosine and sine of the turn that most pairs agree on; the weights become those it gives them.
__device__ static void find_rotation(
    const Points& from, const Points& to, const float* cosine, const float* sine, float* weight,
    int most, float arm, float narrow, int rounds, float* cos, float* sin)
{
    float start[MAX_PAIRS], largest = 0.0f;
    for (int k = 0; k < most; ++k) start[k] = weight[k];
    *cos = 1.0f;
    *sin = 0.0f;
    for (int round = 0; round < rounds; ++round) {
        float total = 0.0f, x = 0.0f, y = 0.0f, u = 0.0f, v = 0.0f;
        for (int k = 0; k < most; ++k) {
            total += weight[k];
            x += weight[k] * from.x[k];
            y += weight[k] * from.y[k];
            u += weight[k] * to.x[k];
            v += weight[k] * to.y[k];
        }
        x /= total, y /= total, u /= total, v /= total;
        float along = 0.0f, across = 0.0f, turn_cos = 0.0f, turn_sin = 0.0f;
        for (int k = 0; k < most; ++k) {
            const float a = from.x[k] - x, b = from.y[k] - y, c = to.x[k] - u, d = to.y[k] - v;
            along += weight[k] * (a * c + b * d);
            across += weight[k] * (a * d - b * c);
            turn_cos += weight[k] * cosine[k];
            turn_sin += weight[k] * sine[k];
        }
        along += arm * turn_cos;
        across -= arm * turn_sin;  // y is down, angles are up
        const float length = sqrtf(along * along + across * across) + 1e-20f;
        *cos = along / length;
        *sin = across / length;
        largest = 0.0f;
        for (int k = 0; k < most; ++k) {
            const float a = from.x[k] - x, b = from.y[k] - y, c = to.x[k] - u, d = to.y[k] - v;
            const float off_x = c - (*cos * a - *sin * b), off_y = d - (*sin * a + *cos * b);
            const float far = 1.0f + (off_x * off_x + off_y * off_y) * narrow;
            weight[k] = start[k] / (far * far);
            largest = fmaxf(largest, weight[k]);
        }
    }
    for (int k = 0; k < most; ++k) weight[k] /= largest;
}

// The affine map by weighted least squares, held to a rotation by `hold`.
__device__ static void fit_affine(
    const float* x, const float* y, const Points& to, const float* weight, int count, float cos,
    float sin, float hold, float* affine)
{
    float total = 0.0f, x0 = 0.0f, y0 = 0.0f, u0 = 0.0f, v0 = 0.0f;
    for (int i = 0; i < count; ++i) {
        total += weight[i];
        x0 += weight[i] * x[i];
        y0 += weight[i] * y[i];
        u0 += weight[i] * to.x[i];
        v0 += weight[i] * to.y[i];
    }
    total += 1e-9f;
    x0 /= total, y0 /= total, u0 /= total, v0 /= total;
    float aa = 0.0f, bb = 0.0f, ab = 0.0f, ua = 0.0f, ub = 0.0f, va = 0.0f, vb = 0.0f;
    for (int i = 0; i < count; ++i) {
        const float a = x[i] - x0, b = y[i] - y0, u = to.x[i] - u0, v = to.y[i] - v0;
        const float wa = weight[i] * a, wb = weight[i] * b;
        aa += wa * a, bb += wb * b, ab += wa * b;
        ua += wa * u, ub += wb * u, va += wa * v, vb += wb * v;
    }
    aa += hold, bb += hold;
    ua += hold * cos, ub -= hold * sin, va += hold * sin, vb += hold * cos;
    const float scale = 1.0f / (aa * bb - ab * ab);
    affine[0] = (ua * bb - ub * ab) * scale;
    affine[1] = (ub * aa - ua * ab) * scale;
    affine[2] = (va * bb - vb * ab) * scale;
    affine[3] = (vb * aa - va * ab) * scale;
    affine[4] = u0 - affine[0] * x0 - affine[1] * y0;
    affine[5] = v0 - affine[2] * x0 - affine[3] * y0;
}

__device__ static int fine(float place)
{
    return (int)rintf(fminf(fmaxf(place, -EDGE), EDGE) * FINE);
}

extern "C" __global__ void deformation(
    const short* __restrict__ probe_x, const short* __restrict__ probe_y,
    const unsigned char* __restrict__ probe_angle, int probe_count,
    const short* __restrict__ x, const short* __restrict__ y,
    const unsigned char* __restrict__ angle, const long long* __restrict__ start,
    const long long* __restrict__ candidates, int batch,
    const unsigned char* __restrict__ probe_index,
    const unsigned char* __restrict__ candidate_index,
    const unsigned char* __restrict__ likeness, const float* __restrict__ kept, int most,
    const float* __restrict__ cosine, const float* __restrict__ sine,
    float arm, float narrow, int rounds_rigid, int rounds, const int* __restrict__ limit,
    const int* __restrict__ price, const float* __restrict__ scale,
    const float* __restrict__ stiffness, int turn, float spread, float held,
    float* __restrict__ affine, unsigned char* __restrict__ partner, float* __restrict__ weight,
    float* __restrict__ rest)
{
    __shared__ Lie lie;
    __shared__ Points from, to;
    __shared__ float pair_weight[MAX_PAIRS], pair_cos[MAX_PAIRS], pair_sin[MAX_PAIRS], cos, sin;
    __shared__ int here_x[MAX_MINUTIAE], here_y[MAX_MINUTIAE], steps;
    __shared__ unsigned int mine[MAX_MINUTIAE], theirs[MAX_MINUTIAE];
    for (int b = blockIdx.x; b < batch; b += gridDim.x) {
        if (likeness[b] == 0) continue;  // best first: there is no pair
        const long long first = start[candidates[b]];
        const int count = (int)(start[candidates[b] + 1] - first);
        for (int k = threadIdx.x; k < most; k += blockDim.x) {
            const long long at = (long long)k * batch + b, there = first + candidate_index[at];
            const int i = probe_index[at];
            const unsigned char turned = (unsigned char)(angle[there] - probe_angle[i]);
            from.x[k] = probe_x[i];
            from.y[k] = probe_y[i];
            to.x[k] = x[there];
            to.y[k] = y[there];
            pair_cos[k] = cosine[turned];
            pair_sin[k] = sine[turned];
            pair_weight[k] = (likeness[at] ? kept[at] * kept[at] : 0.0f) + 1e-12f;
        }
        for (int i = threadIdx.x; i < probe_count; i += blockDim.x) {
            lie.x[i] = probe_x[i];
            lie.y[i] = probe_y[i];
            lie.weight[i] = lie.rest_x[i] = lie.rest_y[i] = 0.0f;
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            lie.count = probe_count;
            lie.spread = spread;
            lie.held = held;
            find_rotation(from, to, pair_cos, pair_sin, pair_weight, most, arm, narrow,
                          rounds_rigid, &cos, &sin);
            fit_affine(from.x, from.y, to, pair_weight, most, cos, sin, stiffness[0], lie.affine);
        }
        __syncthreads();
        for (int round = 0; round < rounds; ++round) {
            if (threadIdx.x == 0) {
                const float along = lie.affine[0] + lie.affine[3];
                const float across = lie.affine[2] - lie.affine[1];
                const float length = sqrtf(along * along + across * across) + 1e-20f;
                cos = along / length;
                sin = across / length;
                steps = (int)rintf(atan2f(-sin, cos) * STEPS_OF_RADIAN);
            }
            for (int i = threadIdx.x; i < probe_count; i += blockDim.x) {
                float at_x, at_y;
                lay(lie, lie.x[i], lie.y[i], &at_x, &at_y);
                here_x[i] = fine(at_x);
                here_y[i] = fine(at_y);
            }
            for (int i = threadIdx.x; i < MAX_MINUTIAE; i += blockDim.x)
                mine[i] = theirs[i] = NOBODY;
            __syncthreads();
            for (int pair = threadIdx.x; pair < probe_count * count; pair += blockDim.x) {
                const int i = pair / count, g = pair % count;
                const int off_x = here_x[i] - fine(x[first + g]);
                const int off_y = here_y[i] - fine(y[first + g]);
                const int turned = (probe_angle[i] + steps - angle[first + g]) & 255;
                const int apart = turned < 128 ? turned : 256 - turned;
                if (apart >= turn) continue;
                const int far = off_x * off_x + off_y * off_y;
                if (far >= limit[round]) continue;
                const unsigned int cost = (unsigned int)(far + price[round] * apart * apart) << 6;
                atomicMin(&mine[i], cost | g);
                atomicMin(&theirs[g], cost | i);
            }
            __syncthreads();
            for (int i = threadIdx.x; i < probe_count; i += blockDim.x) {
                const int g = mine[i] & 63;
                const bool met = mine[i] != NOBODY && (theirs[g] & 63) == (unsigned int)i;
                if (!met) mine[i] = NOBODY;
                lie.weight[i] = met ? 1.0f - (mine[i] >> 6) * scale[round] : 0.0f;
                to.x[i] = met ? x[first + g] : 0;
                to.y[i] = met ? y[first + g] : 0;
            }
            __syncthreads();
            if (threadIdx.x == 0)
                fit_affine(lie.x, lie.y, to, lie.weight, probe_count, cos, sin, stiffness[round],
                           lie.affine);
            __syncthreads();
            for (int i = threadIdx.x; i < probe_count; i += blockDim.x) {
                float at_x, at_y;
                place(lie, lie.x[i], lie.y[i], &at_x, &at_y);
                lie.rest_x[i] = mine[i] == NOBODY ? 0.0f : to.x[i] - at_x;
                lie.rest_y[i] = mine[i] == NOBODY ? 0.0f : to.y[i] - at_y;
            }
            __syncthreads();
        }
        for (int i = threadIdx.x; i < probe_count; i += blockDim.x) {
            const long long at = (long long)i * batch + b;
            if (mine[i] != NOBODY) partner[at] = (unsigned char)(mine[i] & 63);
            weight[at] = lie.weight[i];
            rest[at] = lie.rest_x[i];
            rest[(long long)probe_count * batch + at] = lie.rest_y[i];
        }
        for (int i = threadIdx.x; i < 6; i += blockDim.x)
            affine[(long long)i * batch + b] = lie.affine[i];
        __syncthreads();
    }
}
