import { rename } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import { LarderError } from '../../../core/index.ts'
import type { MachineSpec } from '../place.ts'
import { requireProgram } from '../program.ts'

const mebibyte = 1024 * 1024
const qemuImg = { package: 'qemu-utils', failure: 'The disk of a machine cannot be made' }

/** Of disks, where nobody says another. */
export const usualSizeMiB = 8192

/**
 * The disk of one machine, laid over a base that stays as it is; it takes up what differs. Named relative to each other, so
 * that the data folder can be moved. Whole when it is there. FLEET_RESOURCE_INVALID: the base needs more; FLEET_MACHINE_FAILED,
 * TOOL_MISSING.
 */
export async function createOwnDisk(
  path: string,
  { name, diskMiB = usualSizeMiB }: Pick<MachineSpec, 'name' | 'diskMiB'>,
  { basePath, signal }: { basePath: string; signal: AbortSignal },
): Promise<void> {
  const info = await requireProgram('qemu-img', ['info', '--output=json', basePath], { ...qemuImg, signal })
  const { 'virtual-size': baseBytes } = JSON.parse(info) as { 'virtual-size': number }
  if (diskMiB * mebibyte < baseBytes) throw tooSmall(name, diskMiB, baseBytes)
  const made = `${path}.new`
  const over = ['-b', relative(dirname(path), basePath), '-F', 'qcow2']
  await requireProgram('qemu-img', ['create', '-q', '-f', 'qcow2', ...over, made, `${diskMiB}M`], {
    ...qemuImg,
    signal,
  })
  await rename(made, path)
}

function tooSmall(name: string, sizeMiB: number, baseBytes: number): LarderError {
  return new LarderError('FLEET_RESOURCE_INVALID', {
    message: `${name} is to have a disk of ${sizeMiB} MiB, and what it begins with needs ${Math.ceil(baseBytes / mebibyte)}.`,
    hint: `disk_mb: ${Math.ceil(baseBytes / mebibyte / 1024) * 1024} or more.`,
    context: { machine: name },
  })
}
