import { homedir } from 'node:os'
import { isLarderError } from '../../../core/index.ts'
import { programFailed, runProgram, type ProgramAnswer } from '../program.ts'

export interface EngineRoom {
  signal: AbortSignal
  input?: Buffer
  /** Default 120,000. */
  timeoutMs?: number
  /** Called with each line that it prints, as it comes. */
  onLine?: (line: string) => void
}

/** A program that runs containers. Both understand the same words but for those that are told apart here. */
export interface ContainerEngine {
  readonly name: 'docker' | 'podman'
  /** What keeps it from being used on this host; undefined: nothing. `isMissing`: it is not installed. */
  unusable(): Promise<{ message: string; hint: string; isMissing?: boolean } | undefined>
  /** What it answers is for the caller to judge. */
  ask(args: readonly string[], room: EngineRoom): Promise<ProgramAnswer>
  /** Standard output. FLEET_MACHINE_FAILED with what it said, after `failure`. */
  require(args: readonly string[], room: EngineRoom & { failure: string }): Promise<string>
}

export interface EngineOptions {
  /** Where the Docker engine listens: `unix:///run/docker.sock`. Default: what its client takes by itself. */
  dockerHost?: string | undefined
}

const answerMs = 20_000

/** All that machines can run in, the preferred one first. */
export function containerEngines({ dockerHost }: EngineOptions = {}): ContainerEngine[] {
  const common = dockerHost === undefined ? [] : ['--host', dockerHost]
  return [
    createEngine('docker', { package: 'docker.io', common, probe: probeDocker }),
    createEngine('podman', { package: 'podman', common: [], probe: probePodman }),
  ]
}

type Probe = (
  ask: (args: readonly string[]) => Promise<ProgramAnswer>,
) => Promise<{ message: string; hint: string } | undefined>

function createEngine(
  name: ContainerEngine['name'],
  settings: { package: string; common: readonly string[]; probe: Probe },
): ContainerEngine {
  const { package: packageName, common, probe } = settings
  const ask: ContainerEngine['ask'] = (args, room) =>
    runProgram(name, [...common, ...args], { ...room, package: packageName, environment: { HOME: homedir() } })
  return {
    name,
    ask,
    async require(args, { failure, ...room }) {
      const { code, stdout, stderr } = await ask(args, room)
      if (code !== 0) throw programFailed(name, stderr, failure)
      return stdout
    },
    async unusable() {
      const { signal } = new AbortController()
      try {
        return await probe((args) => ask(args, { signal, timeoutMs: answerMs }))
      } catch (error) {
        if (isLarderError(error, 'TOOL_MISSING')) {
          return { message: `${name} is not installed.`, hint: `apt-get install ${packageName}`, isMissing: true }
        }
        if (isLarderError(error, 'FLEET_MACHINE_FAILED')) {
          return { message: `${name} does not answer.`, hint: `Look whether it runs: ${name} info` }
        }
        throw error
      }
    },
  }
}

/** Source: docker version, reference. */
const probeDocker: Probe = async (ask) => {
  const { code, stderr } = await ask(['version', '--format', '{{.Server.Version}}'])
  if (code === 0) return undefined
  const said = stderr.trim().split('\n').at(-1) ?? ''
  const isRefused = /permission denied/i.test(said)
  const hint = isRefused ? 'Add the user that Larder runs as to the group docker.' : 'Start it: systemctl start docker'
  return { message: `docker cannot be used: ${said.slice(0, 300)}`, hint }
}

/** Its runtimes put no machine into the control groups of version 1. Source: podman-info(1). */
const probePodman: Probe = async (ask) => {
  const { code, stdout, stderr } = await ask(['info', '--format', '{{.Host.CgroupsVersion}} {{.Host.NetworkBackend}}'])
  if (code !== 0) return { message: `podman cannot be used: ${stderr.trim().slice(-300)}`, hint: 'podman info' }
  const [groups, networks] = stdout.trim().split(' ')
  if (groups !== 'v2') {
    const hint = 'apt-get install docker.io, or start this host with control groups of version 2.'
    return { message: 'podman cannot start machines here: this host has control groups of version 1.', hint }
  }
  if (networks === 'netavark') return undefined
  const hint = 'apt-get install netavark aardvark-dns, and say network_backend = "netavark" in containers.conf(5).'
  return { message: `podman makes its networks by ${networks} here, which Larder does not know.`, hint }
}
