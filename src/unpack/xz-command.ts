/** 256 MiB is four times what `xz -9` asks for: more is an attack. */
export const xzCommand = ['xz', '-dc', '--format=xz', '--memlimit-decompress=256MiB', '--no-warn'] as const
