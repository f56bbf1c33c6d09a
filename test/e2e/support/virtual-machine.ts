import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile } from 'node:fs/promises'

export interface BootOptions {
  diskPath: string
  format: 'raw' | 'qcow2'
  /** What it says on its serial console when it is ready. */
  ready: RegExp
  /** A copy of the variables of UEFI is written here; without it, the machine has a BIOS. */
  uefiVariablesPath?: string
  /** Default 300,000: no processor helps, and others use this one. */
  timeoutMs?: number
}

/** The firmware as the package ovmf brings it. */
const uefiFolder = '/usr/share/OVMF'

/**
 * Starts a machine from a disk, emulated in software and without a network, and waits until its console says that it
 * is ready. The disk stays as it was; the machine has ended when this returns. Answers what the console said.
 */
export async function bootMachine(options: BootOptions): Promise<{ match: RegExpExecArray; said: string }> {
  const { diskPath, format, ready, timeoutMs = 300_000 } = options
  const machine = spawn(
    'qemu-system-x86_64',
    [
      ...['-accel', 'tcg', '-m', '512', '-nographic', '-no-reboot', '-nic', 'none'],
      ...['-drive', `file=${diskPath},format=${format},if=virtio,snapshot=on`],
      ...(await firmware(options.uefiVariablesPath)),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const ended = once(machine, 'close')
  const kill = (): void => void machine.kill('SIGKILL')
  const deadline = setTimeout(kill, timeoutMs)
  process.once('exit', kill)
  let said = ''
  machine.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  try {
    for await (const chunk of machine.stdout as AsyncIterable<Buffer>) {
      said += chunk.toString()
      const match = ready.exec(said)
      if (match) return { match, said }
    }
    throw new Error(`the machine ended, or was too slow, before it was ready:\n${said.slice(-3000)}`)
  } finally {
    clearTimeout(deadline)
    process.off('exit', kill)
    kill()
    await ended
  }
}

async function firmware(variablesPath: string | undefined): Promise<string[]> {
  if (variablesPath === undefined) return []
  await copyFile(`${uefiFolder}/OVMF_VARS.fd`, variablesPath)
  return [
    ...['-drive', `if=pflash,format=raw,readonly=on,file=${uefiFolder}/OVMF_CODE.fd`],
    ...['-drive', `if=pflash,format=raw,file=${variablesPath}`],
  ]
}
