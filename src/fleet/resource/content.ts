import { createHash } from 'node:crypto'
import type { AskedPath, PathFacts } from './path-facts.ts'
import type { Difference } from './resource-type.ts'

/** A file as it shall be. */
export interface DesiredFile {
  readonly path: string
  readonly content: Buffer
  readonly sha256: string
  readonly mode: string
  readonly owner: string
  readonly group: string
  readonly isSecret: boolean
}

export function desiredFile(
  path: string,
  content: Buffer | string,
  options: Partial<Omit<DesiredFile, 'path' | 'content' | 'sha256'>> = {},
): DesiredFile {
  const bytes = Buffer.from(content)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { path, content: bytes, sha256, mode: '0644', owner: 'root', group: 'root', isSecret: false, ...options }
}

/** How a host is asked for it. What holds a secret is not brought along. */
export function askedFile({ path, sha256, isSecret }: DesiredFile): AskedPath {
  return { path, sha256, isShown: !isSecret }
}

/** The same of one that may be to go. */
export function askedPath(path: string, file: DesiredFile | undefined): AskedPath {
  return file === undefined ? { path } : askedFile(file)
}

/** What of a file is not as it shall be. */
export function fileDifferences(desired: DesiredFile, facts: PathFacts): Difference[] {
  if (facts.kind !== 'file') {
    return [
      ...(facts.kind === 'absent' ? [] : [{ what: 'kind', from: facts.kind, to: 'file' }]),
      desired.isSecret
        ? { what: 'content', to: 'the secret', isSecret: true }
        : { what: 'content', to: shown(desired.content) },
    ]
  }
  const content = facts.sha256 === desired.sha256 ? [] : [contentDifference(desired, facts)]
  return [...content, ...attributeDifferences(desired, facts)]
}

/** The same of one of several files, told by its name. */
export function namedDifferences(file: DesiredFile, facts: PathFacts): Difference[] {
  const name = file.path.slice(file.path.lastIndexOf('/') + 1)
  return fileDifferences(file, facts).map((one) => ({
    ...one,
    what: one.what === 'content' ? name : `${one.what} of ${name}`,
  }))
}

/** That the content is to be written, and not only its attributes. */
export function isRewritten(differences: readonly Difference[]): boolean {
  return differences.some(({ what }) => what === 'content' || what === 'kind')
}

export function attributeDifferences(
  desired: Pick<DesiredFile, 'mode' | 'owner' | 'group'>,
  facts: PathFacts,
): Difference[] {
  const mode = facts.mode === desired.mode ? [] : [{ what: 'mode', from: facts.mode, to: desired.mode }]
  const owner =
    desired.owner === facts.owner || desired.owner === facts.uid
      ? []
      : [{ what: 'owner', from: facts.owner, to: desired.owner }]
  const group =
    desired.group === facts.group || desired.group === facts.gid
      ? []
      : [{ what: 'group', from: facts.group, to: desired.group }]
  return [...mode, ...owner, ...group]
}

function contentDifference(desired: DesiredFile, facts: PathFacts): Difference {
  if (desired.isSecret) return { what: 'content', isSecret: true, from: 'another secret', to: 'the secret' }
  // What not everybody may read may hold the secret that it shall hold no longer: plans are for everybody.
  const isPrivate = (Number.parseInt(facts.mode, 8) & 0o004) === 0
  const from = facts.text === undefined || isPrivate ? `${facts.sizeBytes} bytes` : shown(facts.text)
  return { what: 'content', from, to: shown(desired.content) }
}

/** Text as it is; what is none, or too long for a person to read, by its size and digest. */
function shown(content: Buffer): string {
  const digest = (): string => createHash('sha256').update(content).digest('hex').slice(0, 12)
  if (content.length > 64 * 1024) return `${content.length} bytes, sha256 ${digest()}…`
  const text = content.toString('utf8')
  const isText = !/[\u0000-\u0008\u000e-\u001a\u001c-\u001f]|\ufffd/.test(text)
  return isText ? text : `binary, ${content.length} bytes, sha256 ${digest()}…`
}
