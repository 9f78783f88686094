// How well the ridges of one probe agree with those of candidates that it lies on.
//
// values: uint16 cells, row by row: seen 1 | phase 5 | period 4 | orientation 6 bits; start: int64
// [prints + 1]; width, left, top: int16 [prints]; right, down: float [1024], phase from a cell to
// the next, by a cell's bits from the period on; the deformation as in lie.cuh. sums: float
// [4][batch], as kernels/ridges.py has them.
//
// A block takes a candidate, its threads the probe's cells, first their places and waves, then the
// windows around them. Each thread adds up its own; one adds up theirs, always in the same order.

#include "lie.cuh"

#define CELL 10  // px
#define MAX_CELLS 1600
#define THREADS 128
#define PI 3.14159265358979f

__device__ static int nodes_of(int length, int step) { return (length + step - 2) / step + 1; }

// The node before a place, and how far it is from there to the next.
__device__ static int node_before(int at, int step, int nodes, float* share)
{
    const int last = nodes > 2 ? nodes - 2 : 0;
    const int before = at / step < last ? at / step : last;
    *share = (float)(at - before * step) / step;
    return before;
}

__device__ static float phase_of(int value) { return ((value >> 1 & 31) + 0.5f) * (PI / 16); }

extern "C" __global__ void ridges(
    const unsigned short* __restrict__ probe_values, int cells,
    const short* __restrict__ probe_width, const short* __restrict__ probe_left,
    const short* __restrict__ probe_top,
    const unsigned short* __restrict__ values, const long long* __restrict__ start,
    const short* __restrict__ width, const short* __restrict__ left,
    const short* __restrict__ top, const long long* __restrict__ candidates, int batch,
    const float* __restrict__ probe_x, const float* __restrict__ probe_y, int probe_count,
    const float* __restrict__ affine, const float* __restrict__ weight,
    const float* __restrict__ rest, float spread, float held,
    const float* __restrict__ right, const float* __restrict__ down,
    int window, int step, float widest, float* __restrict__ sums)
{
    __shared__ Lie lie;
    __shared__ float node_x[MAX_CELLS], node_y[MAX_CELLS], real[MAX_CELLS], imaginary[MAX_CELLS];
    __shared__ unsigned char seen[MAX_CELLS];
    __shared__ float part[4][THREADS];
    const int columns = probe_width[0], rows = cells / columns;
    const int nodes_down = nodes_of(rows, step), nodes_right = nodes_of(columns, step);
    for (int b = blockIdx.x; b < batch; b += gridDim.x) {
        const long long first = start[candidates[b]];
        const int count = (int)(start[candidates[b] + 1] - first);
        const int wide = width[candidates[b]], high = wide ? count / wide : 0;
        const float from_x = left[candidates[b]] * CELL + (CELL - 1) / 2.0f;
        const float from_y = top[candidates[b]] * CELL + (CELL - 1) / 2.0f;
        read_lie(lie, probe_x, probe_y, probe_count, affine, weight, rest, spread, held, b, batch);
        __syncthreads();
        for (int node = threadIdx.x; node < nodes_down * nodes_right; node += blockDim.x) {
            const int row = node / nodes_right * step, column = node % nodes_right * step;
            const float x = (column + probe_left[0]) * CELL + (CELL - 1) / 2.0f;
            const float y = (row + probe_top[0]) * CELL + (CELL - 1) / 2.0f;
            lay(lie, x, y, &node_x[node], &node_y[node]);
        }
        __syncthreads();
        float shared = 0.0f, orientation = 0.0f, period = 0.0f, coherence = 0.0f;
        for (int cell = threadIdx.x; cell < cells; cell += blockDim.x) {
            seen[cell] = 0;
            real[cell] = imaginary[cell] = 0.0f;
            const int mine = probe_values[cell];
            if (!(mine & 1)) continue;

            // where it lies, in cells from the middle of the candidate's
            float share_down, share_right;
            const int node = node_before(cell / columns, step, nodes_down, &share_down) * nodes_right
                           + node_before(cell % columns, step, nodes_right, &share_right);
            const int next = nodes_right > 1, below = nodes_down > 1 ? nodes_right : 0;
            float at[2];
            for (int axis = 0; axis < 2; ++axis) {
                const float* nodes = axis ? node_y : node_x;
                const float one = nodes[node] + (nodes[node + below] - nodes[node]) * share_down;
                const float other = nodes[node + next]
                    + (nodes[node + below + next] - nodes[node + next]) * share_down;
                at[axis] = one + (other - one) * share_right;
            }
            const float x = (at[0] - from_x) / CELL, y = (at[1] - from_y) / CELL;
            const int column = (int)rintf(x), row = (int)rintf(y);
            if (column < 0 || row < 0 || column >= wide || row >= high) continue;
            const int theirs = values[first + row * wide + column];
            if (!(theirs & 1)) continue;

            // the waves: seen from the probe, the candidate's is the transposed affine map of it
            const float wave_x = right[theirs >> 6], wave_y = down[theirs >> 6];
            const float seen_x = lie.affine[0] * wave_x + lie.affine[2] * wave_y;
            const float seen_y = lie.affine[1] * wave_x + lie.affine[3] * wave_y;
            const float own_x = right[mine >> 6], own_y = down[mine >> 6];
            const float square = seen_x * seen_x + seen_y * seen_y;
            const float own_square = own_x * own_x + own_y * own_y;
            const float along = seen_x * own_x + seen_y * own_y;
            const float cosine = 2.0f * along * along / (square * own_square) - 1.0f;
            const float ratio = 0.5f * fabsf(logf(square / own_square));
            float shift = wave_x * (x - column) + wave_y * (y - row) + phase_of(theirs);
            if (along < 0.0f) shift = -shift;  // the waves run against each other
            shift -= phase_of(mine);
            seen[cell] = 1;
            real[cell] = fmaxf(cosine, 0.0f) * cosf(shift);
            imaginary[cell] = fmaxf(cosine, 0.0f) * sinf(shift);
            shared += 1.0f;
            orientation += cosine;
            period += fminf(ratio, widest);
        }
        __syncthreads();
        for (int cell = threadIdx.x; cell < cells; cell += blockDim.x) {
            if (!seen[cell]) continue;
            const int row = cell / columns, column = cell % columns;
            float along = 0.0f, across = 0.0f;
            int others = 0;
            for (int r = row - window / 2; r <= row + window / 2; ++r)
                for (int c = column - window / 2; c <= column + window / 2; ++c) {
                    if (r < 0 || c < 0 || r >= rows || c >= columns) continue;
                    along += real[r * columns + c];
                    across += imaginary[r * columns + c];
                    others += seen[r * columns + c];
                }
            coherence += sqrtf(along * along + across * across) / others;
        }
        part[0][threadIdx.x] = shared;
        part[1][threadIdx.x] = orientation;
        part[2][threadIdx.x] = period;
        part[3][threadIdx.x] = coherence;
        __syncthreads();
        for (int row = threadIdx.x; row < 4; row += blockDim.x) {
            float total = 0.0f;
            for (int t = 0; t < blockDim.x; ++t) total += part[row][t];
            sums[(long long)row * batch + b] = total;
        }
        __syncthreads();
    }
}
