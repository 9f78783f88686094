// One round of noise under each pixel's own Gabor filter.
//
// source: float [pictures][height][width], 0 beside a picture; theta: rad, along the ridges, y up;
// period: px. response: float [pictures][height][width], in all rounds but the last saturated to be
// the next one's source.
//
// A block takes a square of pixels and reads what their filters cover; a thread takes a pixel. A
// filter is two products of a function of the row and one of the column: see kernels/oriented.py.

#define TILE 32  // px
#define MAX_REACH 16
#define USUAL_REACH 10  // fewer registers than for the largest
#define PI 3.14159265358979f

// A wave under the envelope, 0..MOST px from the middle, where the even part is halved. Loops are
// unrolled, here and below, so that it lies in registers.
template <int MOST>
__device__ __forceinline__ static void wave_along(
    float wave, float mass, float (&even)[MOST + 1], float (&odd)[MOST + 1])
{
#pragma unroll
    for (int away = 0; away <= MOST; ++away) {
        const float envelope = (away ? 1.0f : 0.5f) * expf(-PI / 2 * away * away * mass);
        even[away] = envelope * cosf(wave * away);
        odd[away] = envelope * sinf(wave * away);
    }
}

// The response at the pixel that `middle` is of, for filters of reach <= MOST.
template <int MOST>
__device__ __forceinline__ static float filter(
    const float* middle, int side, int reach, float wave, float theta, float mass)
{
    float even_x[MOST + 1], odd_x[MOST + 1], even_y[MOST + 1], odd_y[MOST + 1];
    wave_along<MOST>(wave * sinf(theta), mass, even_x, odd_x);
    wave_along<MOST>(wave * cosf(theta), mass, even_y, odd_y);
    float sum = 0.0f;
#pragma unroll
    for (int dy = 0; dy <= MOST; ++dy) {
        if (dy > reach) break;
        const float *below = middle + dy * side, *above = middle - dy * side;
        float even = 0.0f, odd = 0.0f;
#pragma unroll
        for (int dx = 0; dx * dx + dy * dy <= MOST * MOST; ++dx) {
            if (dx * dx + dy * dy > reach * reach) break;
            const float one = below[dx] + above[-dx], other = above[dx] + below[-dx];
            even += even_x[dx] * (one + other);
            odd += odd_x[dx] * (one - other);
        }
        sum += even_y[dy] * even - odd_y[dy] * odd;
    }
    return sum * mass;
}

extern "C" __global__ void oriented(
    const float* __restrict__ source, const float* __restrict__ theta,
    const float* __restrict__ period, int pictures, int height, int width,
    int reach, float bandwidth, float gain, int last, float* __restrict__ response)
{
    __shared__ float tile[(TILE + 2 * MAX_REACH) * (TILE + 2 * MAX_REACH)];
    const int side = TILE + 2 * reach;
    const int down = (height + TILE - 1) / TILE, right = (width + TILE - 1) / TILE;
    const long long squares = (long long)pictures * down * right;
    for (long long square = blockIdx.x; square < squares; square += gridDim.x) {
        const long long first = square / (down * right) * height * width;
        const int top = (int)(square / right % down) * TILE, left = (int)(square % right) * TILE;
        for (int at = threadIdx.x; at < side * side; at += blockDim.x) {
            const int y = top - reach + at / side, x = left - reach + at % side;
            const bool inside = y >= 0 && x >= 0 && y < height && x < width;
            tile[at] = inside ? source[first + (long long)y * width + x] : 0.0f;
        }
        __syncthreads();
        for (int at = threadIdx.x; at < TILE * TILE; at += blockDim.x) {
            const int y = top + at / TILE, x = left + at % TILE;
            if (y >= height || x >= width) continue;
            const long long pixel = first + (long long)y * width + x;
            const float wave = 2 * PI / period[pixel], sigma = bandwidth * period[pixel];
            const float mass = 1 / (PI * sigma * sigma);
            const float* middle = tile + (reach + at / TILE) * side + reach + at % TILE;
            const float sum = reach <= USUAL_REACH
                ? filter<USUAL_REACH>(middle, side, reach, wave, theta[pixel], mass)
                : filter<MAX_REACH>(middle, side, reach, wave, theta[pixel], mass);
            response[pixel] = last ? sum : tanhf(gain * sum);
        }
        __syncthreads();
    }
}
