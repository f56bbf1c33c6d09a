import { ownValue } from '../../core/index.ts'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hostPlatform } from '../platform.ts'

/** Where the kernel tells who runs what it does not run itself. */
const registrations = '/proc/sys/fs/binfmt_misc'

/**
 * Whether programs for a processor run in containers of this host: by themselves, or by an emulator that the kernel
 * starts for them, and holds open so that it need not be in the container (flag F).
 * Source: Linux, Documentation/admin-guide/binfmt-misc.rst.
 */
export async function runsPrograms(architecture: string, folder: string = registrations): Promise<boolean> {
  const host = hostPlatform().architecture
  if (architecture === host || alsoRuns[host] === architecture) return true
  const header = programHeader(architecture)
  if (header === undefined || (await readIfThere(join(folder, 'status')))?.trim() !== 'enabled') return false
  const names = (await readdir(folder)).filter((name) => name !== 'status' && name !== 'register')
  const entries = await Promise.all(names.map((name) => readIfThere(join(folder, name))))
  return entries.some((text) => text !== undefined && isFor(header, text))
}

/** What a processor runs of its older kind. */
const alsoRuns: Readonly<Record<string, string>> = { amd64: '386', arm64: 'arm' }

function isFor(header: Buffer, text: string): boolean {
  const field = (form: RegExp): string => form.exec(text)?.[1] ?? ''
  const magic = Buffer.from(field(/^magic ([0-9a-f]+)$/m), 'hex')
  const mask = Buffer.from(field(/^mask ([0-9a-f]+)$/m), 'hex')
  const offset = Number(field(/^offset (\d+)$/m))
  const isUsable = /^enabled$/m.test(text) && field(/^flags: (\w*)$/m).includes('F')
  const isWithin = magic.length > 0 && offset + magic.length <= header.length
  return isUsable && isWithin && magic.every((byte, at) => ((byte ^ header[offset + at]!) & (mask[at] ?? 0xff)) === 0)
}

/** Of a processor: 64-bit or not, how numbers are written, its number. Source: elf(5), `e_ident` and `e_machine`. */
const processors: Readonly<Record<string, readonly [bits: 32 | 64, endian: 'little' | 'big', machine: number]>> = {
  386: [32, 'little', 3],
  amd64: [64, 'little', 62],
  arm: [32, 'little', 40],
  arm64: [64, 'little', 183],
  loong64: [64, 'little', 258],
  mips64le: [64, 'little', 8],
  ppc64le: [64, 'little', 21],
  riscv64: [64, 'little', 243],
  s390x: [64, 'big', 22],
}

/** How a program for it begins. */
function programHeader(architecture: string): Buffer | undefined {
  const processor = ownValue(processors, architecture)
  if (processor === undefined) return undefined
  const [bits, endian, machine] = processor
  const header = Buffer.alloc(20)
  header.set([0x7f, 0x45, 0x4c, 0x46, bits / 32, endian === 'little' ? 1 : 2, 1])
  const write = (value: number, at: number): number =>
    endian === 'little' ? header.writeUInt16LE(value, at) : header.writeUInt16BE(value, at)
  write(executable, 16)
  write(machine, 18)
  return header
}

/** `ET_EXEC` of `e_type`. */
const executable = 2

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}
