// The likest mutual pairs of each candidate, best first, from the keys of the similarity kernel.
//
// row: uint16 [probe_count][batch], probe_count <= 64, col: uint16 [..][batch]. Outputs: uint8
// [most][batch], zeros at the start.
//
// A block takes a candidate, a thread a minutia of the probe. Keys differ, for each holds its own
// index, so a pair's place is the number of larger keys: no sort.

extern "C" __global__ void pairing(
    const unsigned short* __restrict__ row, int probe_count,
    const unsigned short* __restrict__ col, int batch, int most,
    unsigned char* __restrict__ probe_index, unsigned char* __restrict__ candidate_index,
    unsigned char* __restrict__ likeness)
{
    __shared__ int key[64];
    for (int b = blockIdx.x; b < batch; b += gridDim.x) {
        for (int i = threadIdx.x; i < probe_count; i += blockDim.x) {
            const int mine = row[(long long)i * batch + b], partner = 63 - (mine & 63);
            const bool mutual = mine > 63
                && (col[(long long)partner * batch + b] & 63) == 63 - i;
            key[i] = mutual ? (mine & ~63) | (63 - i) : 0;
        }
        __syncthreads();
        for (int i = threadIdx.x; i < probe_count; i += blockDim.x) {
            if (key[i] == 0) continue;
            int place = 0;
            for (int k = 0; k < probe_count; ++k) place += key[k] > key[i];
            if (place >= most) continue;
            const long long at = (long long)place * batch + b;
            probe_index[at] = (unsigned char)i;
            candidate_index[at]
                = (unsigned char)(63 - (row[(long long)i * batch + b] & 63));
            likeness[at] = (unsigned char)(key[i] >> 6);
        }
        __syncthreads();
    }
}
