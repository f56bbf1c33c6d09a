import { LarderError, plainText } from '../../core/index.ts'
import type { HostAnswer } from './host.ts'

/** Exit code of ssh(1) for its own failures; `hostCommand` never answers it. */
const ownFailure = 255

/** What an answer of ssh says about the connection rather than about the script; undefined: the script was run. */
export function failureOf(name: string, answer: HostAnswer): LarderError | undefined {
  return answer.code === ownFailure
    ? connectionFailure(name, answer.stderr)
    : (otherUserOf(name, answer) ?? refusalOf(name, answer))
}

/** What cloud-init runs in place of all that root asks for, in images of Ubuntu and others. Source: its `disable_root_opts`. */
function otherUserOf(name: string, { code, stdout }: HostAnswer): LarderError | undefined {
  if (code !== 142) return undefined
  const said = /^Please login as the user "([a-z_][a-z0-9_-]{0,31})" rather than the user "([^"\n]+)"/
  const [, user = '', refused = ''] = said.exec(stdout.subarray(0, 300).toString('latin1')) ?? []
  if (user === '') return undefined
  return new LarderError('FLEET_HOST_REFUSED', {
    message: `${name} lets nobody log in as ${plainText(refused)}: ${plainText(user)} shall be used.`,
    hint: `ssh: { address: …, user: ${user} } in its section; Larder becomes root by sudo there.`,
    context: { host: name },
  })
}

/** FLEET_SUDO_REFUSED where sudo(8) did not let it through; it says why on standard error and answers 1. */
export function refusalOf(name: string, { code, stderr }: HostAnswer): LarderError | undefined {
  const line = stderr
    .split('\n')
    .find(
      (one) => /^(?:sudo: |.*\bsudo: (?:command )?not found|.*not in the sudoers file)/.test(one) && !warning.test(one),
    )
  if (line === undefined || (code !== 1 && code !== 127)) return undefined
  return new LarderError('FLEET_SUDO_REFUSED', {
    message: `${name}: the user that Larder logs in as may not become root: ${plainText(line.trim())}`,
    hint: `Log in as root, or give that user a line in /etc/sudoers.d: \`${sudoersLine(line)}\`.`,
    context: { host: name },
  })
}

/** What sudo says and goes on: the name of a host that is in no /etc/hosts, and what a container forbids. */
const warning = /^sudo: (?:unable to resolve host|setrlimit\()/

/** Source: sudoers(5). */
function sudoersLine(said: string): string {
  return said.includes('must have a tty') ? 'Defaults:NAME !requiretty' : 'NAME ALL=(ALL) NOPASSWD: ALL'
}

function connectionFailure(name: string, stderr: string): LarderError {
  const context = { host: name }
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed/.test(stderr)) {
    return new LarderError('FLEET_HOST_KEY_CHANGED', {
      message: `${name} shows another host key than the one that it is known by: it is another machine, or somebody is in between.`,
      hint: `If it was made again, look at the new fingerprint on its console, then: larder machine trust ${name}`,
      context,
    })
  }
  if (/No .*host key is known for|Host key verification failed/.test(stderr)) {
    return new LarderError('FLEET_HOST_REFUSED', {
      message: `${name} cannot be reached: its host key is not known here, and no key is trusted on sight.`,
      hint: `larder machine trust ${name} shows the fingerprint of its key, and how to trust it.`,
      context,
    })
  }
  const said = lastWords(stderr)
  if (said.includes('Permission denied (')) {
    return new LarderError('FLEET_HOST_REFUSED', {
      message: `${name} does not let Larder in: ${said}`,
      hint: `Put the public key of this site into authorized_keys of the user there: larder machine trust ${name} shows it.`,
      context,
    })
  }
  return new LarderError('FLEET_HOST_UNREACHABLE', {
    message: `${name} cannot be reached, or the connection was lost: ${said}`,
    hint: hintFor(said),
    context,
  })
}

function lastWords(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.replace(/^ssh: /, '').trim())
  return plainText(lines.findLast((line) => line !== '') ?? 'ssh ended without a word').slice(0, 300)
}

function hintFor(said: string): string {
  if (said.includes('Connection refused')) return 'Is sshd running there, and is the port right?'
  if (said.includes('resolve hostname')) return 'Is the address right?'
  return 'Is it on, and does the network between lead there? It is tried again with the next run.'
}
