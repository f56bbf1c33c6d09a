import { open } from 'node:fs/promises'
import { inBytes } from '../source/root-path.ts'
import type { RootFile } from '../source/root-tree.ts'

/** Where the kernel's version stands, and that it is for x86. Source: Linux, Documentation/arch/x86/boot.rst. */
const magicAt = 0x202
const versionPointerAt = 0x20e
const versionBase = 0x200

/** The release of a kernel for x86 (`6.1.0-32-cloud-amd64`), or undefined for any other file. */
export async function readKernelRelease(file: RootFile): Promise<string | undefined> {
  const start = await readStart(file, 32 * 1024)
  if (start.toString('latin1', magicAt, magicAt + 4) !== 'HdrS') return undefined
  const at = versionBase + start.readUInt16LE(versionPointerAt)
  const end = start.indexOf(0, at)
  const release = start.toString('latin1', at, end < 0 ? at : end).split(' ')[0]
  return release !== undefined && /^[0-9A-Za-z.+_~-]+$/.test(release) ? release : undefined
}

/** The compressions that kernels know, and an archive as it is. Source: Linux, lib/decompress.c and usr/gen_init_cpio.c. */
const initrdMagics = ['1f8b', 'fd377a58', '28b52ffd', '02214c18', '5d0000', '425a68', '894c5a', '30373037']

export async function isInitrd(file: RootFile): Promise<boolean> {
  const start = (await readStart(file, 8)).toString('hex')
  return initrdMagics.some((magic) => start.startsWith(magic))
}

/** The text of a small file. */
export async function readText(file: RootFile): Promise<string> {
  return (await readStart(file, 1024 * 1024)).toString('utf8')
}

async function readStart(file: RootFile, sizeBytes: number): Promise<Buffer> {
  const handle = await open(inBytes(file.contentPath))
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(sizeBytes, file.sizeBytes)), 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}
