import { z } from 'zod'
import { lines, nothing, sh, type Script } from '../../shell/script.ts'
import { askedFile, desiredFile, namedDifferences, type DesiredFile } from '../content.ts'
import { cutOff, part, readPart } from '../fact-text.ts'
import { presence } from '../grammar.ts'
import type { PathFacts } from '../path-facts.ts'
import type { HostFacts, ResourceType } from '../resource-type.ts'
import { seenPaths } from '../seen.ts'
import { writeFile } from '../write-file.ts'

const schema = z
  .strictObject({
    authority: z.literal('registry', 'registry: who has certified the registry of this site'),
    system: z
      .boolean()
      .default(true)
      .describe('false: podman, buildah and skopeo alone trust it, and not every program of the machine'),
    state: presence,
  })
  .describe('Trust in whoever has certified the registry of this site')

type Declared = z.output<typeof schema>

interface Desired {
  /** For one registry each. */
  readonly files: readonly DesiredFile[]
  /** For every program. */
  readonly certificate: string | undefined
  readonly isAbsent: boolean
}

export interface AuthorityFacts {
  readonly files: readonly PathFacts[]
  /** Among those that every program trusts. */
  readonly isTrusted: boolean
}

/** Nothing is done where the registry is without TLS, or certified by somebody whom everybody trusts. */
export const authorityType: ResourceType<Declared, Desired, AuthorityFacts> = {
  name: 'authority',
  schema,
  subjectOf: (declared) => declared.authority,
  resolve: async ({ system, state }, room) => {
    const authority = await room.authority()
    const isAbsent = state === 'absent'
    if (authority === undefined) return { files: [], certificate: undefined, isAbsent }
    const { certificate, registry } = authority
    const programs = system ? ['containers', 'docker'] : ['containers']
    const files = programs.map((program) => desiredFile(`/etc/${program}/certs.d/${registry}/ca.crt`, certificate))
    return { files, certificate: system ? certificate : undefined, isAbsent }
  },
  // ca-certificates, which makes the list of all.
  after: () => ['package:*'],
  asks: ({ files }) => ({ paths: files.map(askedFile) }),
  facts: (all) => part('trust', lines(...all.map(askTrust))),
  read: (output, all, seen) => {
    const trust = readPart(output, 'trust')
    return seen.map((one, at) => {
      const files = seenPaths(one)
      if (trust?.length !== all.length || files === undefined) return { known: false, why: cutOff }
      return { known: true, facts: { files, isTrusted: trust[at] === 'yes' } }
    })
  },
  diff: ({ files, certificate, isAbsent }, { files: found, isTrusted }) => {
    if (isAbsent) {
      const isThere = found.some(({ kind }) => kind !== 'absent') || (certificate !== undefined && isTrusted)
      return isThere ? [{ what: 'state', from: 'trusted' }] : []
    }
    const everywhere = certificate === undefined || isTrusted ? [] : [{ what: 'system', to: 'trusts it' }]
    return [...files.flatMap((file, at) => namedDifferences(file, found[at]!)), ...everywhere]
  },
  apply: ({ files, certificate, isAbsent }, { host }) => {
    if (isAbsent) return lines(remove(files), certificate === undefined ? nothing : listOf(host, nothing))
    const whole = certificate === undefined ? nothing : listOf(host, writeFile(ownFile(host, certificate)))
    return lines(...files.map((file) => writeFile(file)), whole)
  },
}

function remove(files: readonly DesiredFile[]): Script {
  return sh`rm -f -- ${files.map(({ path }) => path)}`
}

/** The list is looked at, and not what it is made of: somebody may have been killed between the two. */
function askTrust({ certificate }: Desired): Script {
  if (certificate === undefined) return sh`echo no`
  const body = certificate.replace(/-----[^-]+-----|\s/g, '')
  return sh`if cat ${lists} 2>/dev/null | tr -d '\\n' | grep -qF -e ${body}; then echo yes; else echo no; fi`
}

/** Of Debian; of Fedora and its like. */
const lists = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt']

const places = {
  debian: '/usr/local/share/ca-certificates/larder.crt',
  rhel: '/etc/pki/ca-trust/source/anchors/larder.crt',
}

function ownFile({ family }: HostFacts, certificate: string): DesiredFile {
  return desiredFile(family === 'rhel' ? places.rhel : places.debian, certificate)
}

/** What was under our name goes first: update-ca-certificates(8) takes a file that has changed for one that it knows. */
function listOf({ family }: HostFacts, write: Script): Script {
  if (family === 'other') return sh`echo 'The list of authorities of this system is not known.' >&2; exit 1`
  const update = family === 'rhel' ? sh`update-ca-trust` : sh`update-ca-certificates`
  const make = family === 'rhel' ? sh`update-ca-trust extract` : sh`update-ca-certificates >/dev/null`
  return sh`command -v ${update} >/dev/null || { echo 'The package ca-certificates is needed.' >&2; exit 1; }
rm -f -- ${places[family]} ${family === 'rhel' ? [] : ['/etc/ssl/certs/larder.pem']}
${write}
${make}`
}
