// The likest mutual pairs of each candidate, best first, from the keys of the similarity kernel.
//
// row: uint16 [probe_count][batch], col: uint16 [width][batch]. Outputs: uint8 [most][batch],
// zeros at the start. One thread takes a candidate: at most 64 keys, each different from the
// others because it holds its own index, so the next best is the largest below the last one.

extern "C" __global__ void pairing(
    const unsigned short* __restrict__ row, int probe_count,
    const unsigned short* __restrict__ col, int batch, int most,
    unsigned char* __restrict__ probe_index, unsigned char* __restrict__ candidate_index,
    unsigned char* __restrict__ likeness)
{
    for (int b = blockIdx.x * blockDim.x + threadIdx.x; b < batch; b += gridDim.x * blockDim.x) {
        unsigned int last = 0xffffffffu;
        for (int k = 0; k < most; ++k) {
            unsigned int best = 0;
            for (int i = 0; i < probe_count; ++i) {
                const unsigned int mine = row[(long long)i * batch + b];
                if (mine < 64) continue;
                const int partner = 63 - (int)(mine & 63);
                if ((int)(63 - (col[(long long)partner * batch + b] & 63)) != i) continue;
                const unsigned int key = (mine & ~63u) | (63 - i);
                if (key > best && key < last) best = key;
            }
            if (best == 0) break;
            const int i = 63 - (int)(best & 63);
            const long long at = (long long)k * batch + b;
            probe_index[at] = (unsigned char)i;
            candidate_index[at] = (unsigned char)(63 - (row[(long long)i * batch + b] & 63));
            likeness[at] = (unsigned char)(best >> 6);
            last = best;
        }
    }
}
