"""Decodes one WSQ file from standard input to raw pixels on standard output, in its own process.

Run by engine.formats.wsq as `python wsq_child.py <folder of _wsq> <bytes> <seconds>`: it imports
nothing of the engine, so that it starts in a few milliseconds.
"""

import sys


def main(folder: str, max_bytes: int, max_seconds: int) -> int:
    """Decode under limits on memory and processor time; 1 when the decoder refuses the file."""
    sys.path.append(folder)
    import _wsq  # type: ignore[import-not-found]

    try:
        import resource
    except ImportError:  # Windows: the parent's time limit has to do
        pass
    else:
        resource.setrlimit(resource.RLIMIT_AS, (max_bytes, max_bytes))
        resource.setrlimit(resource.RLIMIT_CPU, (max_seconds, max_seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        pixels = _wsq.decompress(sys.stdin.buffer.read())[0]
    except Exception:  # whatever the C code reports, the parent has one answer
        return 1
    sys.stdout.buffer.write(pixels)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
