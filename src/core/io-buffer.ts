/**
 * Memory for large reads, its content left as it was. On AMD's Zen 3 and 4 the kernel copies to an address that is some bytes
 * after the beginning of a page five times as slowly as to any other, and 16 bytes after it is where malloc(3) puts whatever is
 * large: reading 512 MiB of cached file took 0.25 to 0.35 s of processor there, 0.06 s in here (bench/README.md, Registry).
 */
export function ioBuffer(bytes: number): Buffer {
  return Buffer.allocUnsafeSlow(bytes + awayBytes).subarray(awayBytes)
}

const awayBytes = 64
