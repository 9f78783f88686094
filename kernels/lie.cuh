// How one probe lies on one candidate, and where that takes a point: `place` and `carry` of
// kernels/deformation.py, for the kernels that need it. A block holds it in shared memory.
//
// x, y, weight, rest_x, rest_y: of the probe's `count` minutiae. affine: xx, xy, yx, yy, x0, y0.
// spread: -1 / (2 reach^2).

struct Lie {
    float x[64], y[64], weight[64], rest_x[64], rest_y[64], affine[6];
    int count;
    float spread, held;
};

// Reads candidate b of `batch`; the caller waits for the block.
__device__ inline void read_lie(
    Lie& lie, const float* x, const float* y, int count, const float* affine, const float* weight,
    const float* rest, float spread, float held, int b, int batch)
{
    for (int i = threadIdx.x; i < count; i += blockDim.x) {
        const long long at = (long long)i * batch + b;
        lie.x[i] = x[i];
        lie.y[i] = y[i];
        lie.weight[i] = weight[at];
        lie.rest_x[i] = rest[at];
        lie.rest_y[i] = rest[(long long)count * batch + at];
    }
    for (int i = threadIdx.x; i < 6; i += blockDim.x)
        lie.affine[i] = affine[(long long)i * batch + b];
    if (threadIdx.x == 0) {
        lie.count = count;
        lie.spread = spread;
        lie.held = held;
    }
}

// Where the affine map alone takes x, y.
__device__ inline void place(const Lie& lie, float x, float y, float* at_x, float* at_y)
{
    *at_x = lie.affine[0] * x + lie.affine[1] * y + lie.affine[4];
    *at_y = lie.affine[2] * x + lie.affine[3] * y + lie.affine[5];
}

// Where x, y come to lie, carried along by the minutiae around them.
__device__ inline void lay(const Lie& lie, float x, float y, float* at_x, float* at_y)
{
    float total = 0.0f, right = 0.0f, down = 0.0f;
    for (int i = 0; i < lie.count; ++i) {
        const float off_x = x - lie.x[i], off_y = y - lie.y[i];
        const float near = lie.weight[i] * expf((off_x * off_x + off_y * off_y) * lie.spread);
        total += near;
        right += near * lie.rest_x[i];
        down += near * lie.rest_y[i];
    }
    place(lie, x, y, at_x, at_y);
    *at_x += right / (total + lie.held);
    *at_y += down / (total + lie.held);
}
