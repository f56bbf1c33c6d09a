import { join } from 'node:path'
import { digestOf, hexOf, LarderError } from '../../core/index.ts'
import { checkControlFolder, ensureControlFolder } from './control-folder.ts'
import type { Host } from './host.ts'
import { hostCommand } from './host-command.ts'
import { inputOf, runCommand } from './run-command.ts'
import { isAddress } from './host-key.ts'
import { failureOf } from './ssh-failure.ts'

export interface SshHostOptions {
  /** Of the machine: known_hosts names it by that, whatever its address is. */
  name: string
  /** IP address or DNS name. */
  address: string
  /** Default 22. */
  port?: number
  /** Default `root`. Others become root by `sudo -n`. */
  user?: string
  /** Private key, 0600. */
  identityFile: string
  /** Lines `NAME ssh-ed25519 AAAA…`, of the names of machines. */
  knownHostsFile: string
  /** Where sockets of connections that are kept open lie; made 0700, and of nobody else. Its path has 70 bytes at most. */
  controlFolder: string
  /** A connection that nobody uses is kept so long, also after this process. Default 600. */
  keepOpenS?: number
  /** Default 10. */
  connectTimeoutS?: number
  /** ssh_config(5), what the site asks for: `Ciphers`, `AddressFamily` and their like; nothing that runs a program. */
  config?: Readonly<Record<string, string>>
}

/**
 * A machine that is reached by the system's ssh. One connection is kept and shared; nothing of the user's own configuration
 * counts, no agent, no password, and no host key that is not known already. FLEET_PLACE_UNUSABLE: others get at its sockets.
 */
export function createSshHost(options: SshHostOptions): Host {
  const { name, controlFolder, user = 'root' } = options
  check(options)
  const args = argumentsFor(options)
  return {
    name,
    async run(script, room) {
      await ensureControlFolder(controlFolder)
      const sizes = { scriptBytes: inputOf(script).length, stdinBytes: room.stdin?.length ?? 0 }
      const command = hostCommand(sizes, { timeoutMs: room.timeoutMs, sudo: user !== 'root' })
      const all = [...args, '--', options.address, command]
      const answer = await runCommand({ host: name, file: 'ssh', args: all }, script, room)
      const failure = failureOf(name, answer)
      if (failure !== undefined) throw failure
      return answer
    },
    async close() {
      await checkControlFolder(controlFolder)
      const { execa } = await import('execa')
      const answer = await execa('ssh', [...args, '-O', 'exit', '--', options.address], {
        reject: false,
        timeout: 5000,
      })
      // 255: there was none that is open.
      if (answer.exitCode !== 0 && answer.exitCode !== 255 && !answer.timedOut) {
        throw new LarderError('FLEET_HOST_UNREACHABLE', { message: `${name}: its connection could not be closed.` })
      }
    },
  }
}

function argumentsFor(options: SshHostOptions): string[] {
  const { address, port = 22, user = 'root', keepOpenS = 600, connectTimeoutS = 10 } = options
  const identity = digestOf(
    JSON.stringify([options.name, address, port, user, options.identityFile, options.config ?? {}]),
  )
  const settings = {
    BatchMode: 'yes',
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: quotedPath(options.knownHostsFile),
    GlobalKnownHostsFile: '/dev/null',
    HostKeyAlias: options.name,
    CheckHostIP: 'no',
    UpdateHostKeys: 'no',
    IdentityFile: quotedPath(options.identityFile),
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    PreferredAuthentications: 'publickey',
    ControlMaster: 'auto',
    ControlPath: quotedPath(join(options.controlFolder, hexOf(identity).slice(0, 16))),
    ControlPersist: String(keepOpenS),
    ConnectTimeout: String(connectTimeoutS),
    ServerAliveInterval: '5',
    ServerAliveCountMax: '3',
    ForwardAgent: 'no',
    LogLevel: 'ERROR',
    ...options.config,
  }
  const given = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])
  return ['-F', '/dev/null', ...given, '-T', '-p', String(port), '-l', user]
}

/** A path in a setting of ssh, where `%` begins a token. */
export function quotedPath(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`
}

/** Settings that start no program, read no file, and trust nobody. */
const allowed = new Set([
  'AddressFamily',
  'BindAddress',
  'BindInterface',
  'Ciphers',
  'Compression',
  'HostKeyAlgorithms',
  'IPQoS',
  'KexAlgorithms',
  'MACs',
  'PubkeyAcceptedAlgorithms',
])

function check(options: SshHostOptions): void {
  const { name, address, port = 22, user = 'root', config = {} } = options
  const refuse = (what: string, hint: string): never => {
    throw new LarderError('FLEET_RESOURCE_INVALID', { message: `Machine ${name}: ${what}`, hint })
  }
  if (!/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i.test(name))
    refuse('this is no name of a machine.', 'Letters, digits, hyphens.')
  if (!isAddress(address)) refuse(`${JSON.stringify(address)} is no address.`, 'An IP address or a DNS name.')
  if (!Number.isInteger(port) || port < 1 || port > 65_535) refuse(`${port} is no port.`, 'A number from 1 to 65535.')
  if (!/^[a-z_][a-z0-9_-]{0,31}$/i.test(user))
    refuse(`${JSON.stringify(user)} is no user.`, 'The name of a user there.')
  for (const [key, value] of Object.entries(config)) {
    if (!allowed.has(key) || !/^[\w@.,:+*-]+$/.test(value)) {
      refuse(`the setting ${key} of ssh cannot be given.`, `These can: ${[...allowed].join(', ')}.`)
    }
  }
  checkPaths(options, refuse)
}

function checkPaths(options: SshHostOptions, refuse: (what: string, hint: string) => never): void {
  for (const path of [options.identityFile, options.knownHostsFile, options.controlFolder]) {
    if (/["\n\0]/.test(path)) refuse(`${JSON.stringify(path)} cannot be given to ssh.`, 'Leave the quotes out.')
  }
  // unix(7): 107 bytes, of which ssh takes 18 for the name that it makes first.
  if (Buffer.byteLength(options.controlFolder) > 70) {
    refuse(
      `the folder of sockets, ${options.controlFolder}, has a path of more than 70 bytes.`,
      'Give one that is shorter.',
    )
  }
}
