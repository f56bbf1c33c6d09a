import { constants } from 'node:fs'
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isLarderError } from '../../../core/index.ts'
import { runProgram } from '../program.ts'

/** Who executes what machines run: the processor itself, or QEMU in software, some ten times slower. */
export type Acceleration = 'kvm' | 'tcg'

/** QEMU answers (2 × code + 1) when a machine writes a code to its debug port: isa-debug-exit. */
const endCode = 0x10
const expectedExit = endCode * 2 + 1
const probeMs = 10_000

/**
 * Whether machines can be run by KVM. That its device can be opened says little: on hosts that are machines themselves
 * it may be one that never runs anything.
 * So a machine is started that does nothing but end. Source: Intel SDM vol. 3, "First Instruction Executed".
 */
export async function probeAcceleration(signal: AbortSignal): Promise<Acceleration> {
  const mayOpen = await access('/dev/kvm', constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  )
  return mayOpen && (await endsByItself('kvm', signal)) ? 'kvm' : 'tcg'
}

/** Pure. What executes a machine, in arguments of QEMU. */
export function processorArguments(acceleration: Acceleration): string[] {
  return ['-machine', `q35,accel=${acceleration}`, '-cpu', acceleration === 'kvm' ? 'host' : 'max']
}

/** Whether a machine that ends at its first instructions does so within 10 s. */
export async function endsByItself(acceleration: Acceleration, signal: AbortSignal): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'larder-probe-'))
  try {
    const firmware = join(folder, 'firmware')
    await writeFile(firmware, endingFirmware())
    const machine = [
      '-nodefaults',
      '-no-user-config',
      '-display',
      'none',
      ...processorArguments(acceleration),
      '-m',
      '64',
    ]
    const args = [...machine, '-bios', firmware, '-device', 'isa-debug-exit,iobase=0xf4,iosize=1']
    const room = { signal, package: 'qemu-system-x86', timeoutMs: probeMs }
    return (await runProgram('qemu-system-x86_64', args, room)).code === expectedExit
  } catch (error) {
    // It took longer than it may.
    if (isLarderError(error, 'FLEET_MACHINE_FAILED')) return false
    throw error
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** 64 KiB below 4 GiB, of which the processor begins 16 bytes before the end: mov al, code; out 0xf4, al; hlt. */
function endingFirmware(): Buffer {
  const firmware = Buffer.alloc(65_536, 0xf4)
  Buffer.from([0xb0, endCode, 0xe6, 0xf4, 0xf4]).copy(firmware, firmware.length - 16)
  return firmware
}
