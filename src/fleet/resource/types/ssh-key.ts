import { z } from 'zod'
import { lines, sh, type Script } from '../../shell/script.ts'
import { asWord, cutOff, fromWord, readRecords, records } from '../fact-text.ts'
import { accountName, oneLine, presence, siteName, sitePath } from '../grammar.ts'
import { resolveText } from './file.ts'
import { LarderError, readSiteFile } from '../../../core/index.ts'
import type { ResourceType } from '../resource-type.ts'

/** sshd(8), AUTHORIZED_KEYS FILE FORMAT: type, base64, comment. */
const keyPattern =
  /^((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+) ([A-Za-z0-9+/]{40,4000}={0,2})(?: ([^\u0000-\u001f]*))?$/

const schema = z
  .strictObject({
    'ssh-key': siteName.describe('A name for it: of the person, or of what the key is for'),
    user: accountName.default('root'),
    key: z.string().regex(keyPattern, 'the one line of a public key is needed: ssh-ed25519 AAAA… name').optional(),
    source: sitePath.optional().describe('A file of the repository that holds that line'),
    options: oneLine.default('').describe('As in authorized_keys: no-pty,from="192.168.1.0/24"'),
    state: presence,
  })
  .refine(({ key, source }) => (key === undefined) !== (source === undefined), 'one of key and source is needed')
  .describe('A public key that may log in as a user')

type Declared = z.output<typeof schema>

interface Desired {
  readonly user: string
  readonly name: string
  /** `ssh-ed25519 AAAA…` */
  readonly key: string
  /** As it stands in the file. */
  readonly line: string
  readonly state: 'present' | 'absent'
}

/** Lines of authorized_keys that have this key. */
export type SshKeyFacts = readonly string[]

export const sshKeyType: ResourceType<Declared, Desired, SshKeyFacts> = {
  name: 'ssh-key',
  schema,
  subjectOf: (declared) => `${declared.user}/${declared['ssh-key']}`,
  names: ({ source }) => (source === undefined ? [] : [{ kind: 'file', name: source, key: 'source' }]),
  claims: async (declared, files) => {
    const { key, source = '', user } = declared
    const read = key === undefined ? await readSiteFile(files, source) : { bytes: Buffer.from(key) }
    const parsed = 'fault' in read ? null : keyPattern.exec(read.bytes.toString('utf8').trim())
    if (parsed === null) return []
    const { key: bare, line, state } = desiredOf(declared, parsed)
    const about = `the key ${parsed[1]} …${parsed[2]!.slice(-12)} of ${user}`
    return [{ key: `ssh-key ${user} ${bare}`, about, value: state === 'absent' ? '' : line }]
  },
  resolve: async (declared, room) => {
    const { key, source } = declared
    const text = key ?? (await resolveText({ source }, room)).content.toString('utf8').trim()
    const parsed = keyPattern.exec(text)
    if (parsed === null) {
      throw new LarderError('FLEET_RESOURCE_INVALID', {
        message: `${source ?? 'The key'} is not the line of one public key.`,
        hint: 'It is what ssh-keygen writes into a file that ends with .pub.',
      })
    }
    return desiredOf(declared, parsed)
  },
  after: ({ user }) => [`user:${user}`, ...(user === 'root' ? [] : ['package:*'])],
  facts: (all) => records(all.map(look)),
  read: (output, all) =>
    readRecords(output, all.length).map((record) => {
      if (record?.has('nobody')) return { known: false, why: 'its user is not there yet' }
      const found = fromWord(record?.get('lines'))
      if (found === undefined) return { known: false, why: cutOff }
      return {
        known: true,
        facts: found
          .toString('utf8')
          .split('\n')
          .filter((line) => line !== ''),
      }
    }),
  diff: ({ line, state }, facts) => {
    if (state === 'absent') return facts.length === 0 ? [] : [{ what: 'state', from: facts[0], to: undefined }]
    if (facts.length === 1 && facts[0] === line) return []
    return [{ what: 'line', from: facts.length === 0 ? undefined : facts.join('\n'), to: line }]
  },
  apply: ({ user, key, line, state }) => {
    const change = lines(
      sh`umask 077; set -eu; cd; mkdir -p .ssh; chmod 700 .ssh; new=.ssh/.authorized_keys.larder-new; rm -rf -- "$new"; : >"$new"`,
      sh`if [ -f .ssh/authorized_keys ]; then grep -avF -e ${key} .ssh/authorized_keys >"$new" || [ $? = 1 ]; fi`,
      state === 'absent' ? sh`:` : sh`printf '%s\n' ${line} >>"$new"`,
      sh`sync -- "$new"; mv -T -f -- "$new" .ssh/authorized_keys`,
    )
    return asUser(user, change)
  },
}

function desiredOf(declared: Declared, [, type, body, comment]: RegExpExecArray): Desired {
  const { 'ssh-key': name, user, options, state } = declared
  const key = `${type} ${body}`
  const line = `${options === '' ? '' : `${options} `}${key} ${comment ?? name}`
  return { user, name, key, line, state }
}

/** As that user: what is in a home folder belongs to the user, links to elsewhere included, and root need not follow them. */
function asUser(user: string, script: Script): Script {
  if (user === 'root') return sh`HOME=~root /bin/sh -c ${script.shell}`
  return sh`runuser -u ${user} -- env "HOME=$(getent passwd ${user} | cut -d: -f6)" /bin/sh -c ${script.shell}`
}

/** The user may have put there what never ends, or never begins to answer: only a file is read. */
function look({ user, key }: Desired): Script {
  return sh`if home=$(getent passwd ${user} | cut -d: -f6) && [ -n "$home" ]; then printf 'lines '
{ [ ! -f "$home/.ssh/authorized_keys" ] || grep -asF -e ${key} -- "$home/.ssh/authorized_keys" || :; } | head -c 65536 | ${asWord}; else echo nobody; fi`
}
