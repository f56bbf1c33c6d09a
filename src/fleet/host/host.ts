import type { Script } from '../shell/script.ts'

export interface HostRunOptions {
  /** The process group is ended after that, and FLEET_HOST_TIMEOUT thrown. */
  timeoutMs: number
  signal?: AbortSignal
  /** What it is given to read after the script itself: secrets, contents of files. */
  stdin?: Buffer
  /** Called with what it prints as it comes. */
  onOutput?: (chunk: Buffer) => void
  /** More than this is cut off, and FLEET_HOST_FLOODED thrown. Default 64 MiB. */
  maxOutputBytes?: number
}

export interface HostAnswer {
  /** Exit code; undefined where a signal ended it. */
  code: number | undefined
  stdout: Buffer
  /** The last 64 KiB, as it came. */
  stderr: string
}

/**
 * A way to run scripts as root on a machine: by ssh, or here. FLEET_HOST_UNREACHABLE (and why, in the words of ssh),
 * FLEET_HOST_KEY_CHANGED, FLEET_HOST_REFUSED, FLEET_HOST_TIMEOUT, FLEET_HOST_FLOODED, FLEET_SUDO_REFUSED.
 */
export interface Host {
  readonly name: string
  /** By /bin/sh, no login shell; the script is read from standard input, so that it is in no list of processes. */
  run(script: Script, options: HostRunOptions): Promise<HostAnswer>
  /** Ends what it keeps open (the connection that is shared). */
  close(): Promise<void>
}
