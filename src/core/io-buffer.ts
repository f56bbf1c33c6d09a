/**
 * Memory for large reads, its content left as it was; its `byteOffset` is a multiple of 64. On AMD's Zen 3 and 4 the kernel
 * copies to an address some bytes after the beginning of a page at a fifth of the speed, and 16 bytes after it is where malloc(3)
 * puts whatever is large: 512 MiB of cached file took 0.25 to 0.35 s of processor there, 0.06 s in here (bench/README.md, Registry).
 */
export function ioBuffer(bytes: number): Buffer<ArrayBuffer> {
  return Buffer.allocUnsafeSlow(bytes + awayBytes).subarray(awayBytes)
}

/** Its memory goes to the system at once, not when the garbage collector finds it; nobody may use any part of it any more. */
export function freeMemory({ buffer }: Buffer): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0)
}

const awayBytes = 64
