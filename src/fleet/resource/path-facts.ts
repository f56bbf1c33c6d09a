import { lines, nothing, sh, type Script } from '../shell/script.ts'
import { asWord, fromWord, part, readPart } from './fact-text.ts'

/** What is at a path. */
export interface PathFacts {
  readonly kind: 'absent' | 'file' | 'directory' | 'link' | 'other'
  /** Four octal digits. '' where nothing is. */
  readonly mode: string
  readonly uid: string
  readonly owner: string
  readonly gid: string
  readonly group: string
  readonly sizeBytes: number
  /** Of a file whose content was asked for. */
  readonly sha256?: string
  /** Of a file that has another content than the one asked for, up to 64 KiB. */
  readonly text?: Buffer
  /** Of a link: where it leads. */
  readonly target?: string
}

export interface AskedPath {
  path: string
  /** The content that it shall have: another one is brought along, where `isShown`. */
  sha256?: string
  isShown?: boolean
}

const absentPath: PathFacts = {
  kind: 'absent', mode: '', uid: '', owner: '', gid: '', group: '', sizeBytes: 0,
} // prettier-ignore

/** Looks at all of them with one stat, one sha256sum and one readlink: processes are what looking costs. */
export function pathScript(asked: readonly AskedPath[]): Script {
  if (asked.length === 0) return nothing
  const present = asked.map(
    ({ path }, at) => sh`if [ -e ${path} ] || [ -L ${path} ]; then echo ${`have ${at}`}; set -- "$@" ${path}; fi`,
  )
  const links = asked.map(({ path }, at) => sh`if [ -L ${path} ]; then echo ${`link ${at}`}; set -- "$@" ${path}; fi`)
  const targets = sh`[ $# -eq 0 ] || { printf 'targets '; readlink -z -- "$@" | ${asWord}; }`
  const stat = sh`[ $# -eq 0 ] || stat -c 'stat %f %s %u %g %U:%G' -- "$@"`
  return part('paths', lines(sh`set --`, ...present, stat, sh`set --`, ...links, targets, contentScript(asked)))
}

function contentScript(asked: readonly AskedPath[]): Script {
  const indexed = asked.map((one, at) => ({ ...one, at })).filter(({ sha256 }) => sha256 !== undefined)
  if (indexed.length === 0) return nothing
  const files = indexed.map(
    ({ path, at }) => sh`if [ -f ${path} ] && [ ! -L ${path} ]; then echo ${`hash ${at}`}; set -- "$@" ${path}; fi`,
  )
  // Whoever owns its folder may put a link or a pipe in its place meanwhile: dd(1) follows none, and waits for none.
  // A line of sha256sum(1): digest, two characters, name. A name that it has to escape is only read without need.
  const texts = indexed
    .filter(({ isShown }) => isShown)
    .map(
      ({ path, sha256 = '', at }) =>
        sh`case $sums in *${`${sha256}  ${path}`}*) ;; *) if [ -f ${path} ] && [ ! -L ${path} ]; then printf '%s ' ${`text ${at}`}; dd ${`if=${path}`} ${`bs=${mostShownBytes + 1}`} count=1 iflag=fullblock,nofollow,nonblock status=none 2>/dev/null | ${asWord}; fi ;; esac`,
    )
  const sums = sh`sums=; [ $# -eq 0 ] || sums=$(sha256sum -- "$@"); [ -z "$sums" ] || printf '%s\n' "$sums"`
  return lines(sh`set --`, ...files, sums, ...texts)
}

const mostShownBytes = 64 * 1024

/** As many as were asked for; undefined where what was printed is not whole, or contradicts itself. */
export function readPaths(output: Buffer, count: number): (PathFacts | undefined)[] {
  const unknown = Array.from({ length: count }, () => undefined)
  if (count === 0) return unknown
  const text = readPart(output, 'paths')
  if (text === undefined) return unknown
  const indices = (word: string): number[] => of(text, word).map(Number)
  const have = indices('have')
  const stats = of(text, 'stat')
  const hashed = indices('hash')
  const sums = text.flatMap((line) => sumLine.exec(line)?.[1] ?? [])
  const linked = indices('link')
  const targets = targetsOf(text)
  const isWhole = have.length === stats.length && hashed.length === sums.length && linked.length === targets.length
  if (!isWhole) return unknown
  const texts = byIndex(text, 'text')
  return Array.from({ length: count }, (_, at) => {
    const place = have.indexOf(at)
    if (place === -1) return absentPath
    const facts = statFacts(stats[place] ?? '')
    if (facts === undefined) return undefined
    const sha256 = sums[hashed.indexOf(at)]
    const content = fromWord(texts.get(at))
    const target = targets[linked.indexOf(at)]
    return {
      ...facts,
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(content === undefined || content.length > mostShownBytes ? {} : { text: content }),
      ...(target === undefined ? {} : { target }),
    }
  })
}

/** Of sha256sum(1), which begins it with a backslash where the name has to be escaped. */
const sumLine = /^\\?([0-9a-f]{64}) [ *]/

/** In the order of the links; each ends with a NUL. */
function targetsOf(text: readonly string[]): string[] {
  const [word] = of(text, 'targets')
  return word === undefined ? [] : (fromWord(word)?.toString().split('\0').slice(0, -1) ?? [])
}

function of(text: readonly string[], word: string): string[] {
  return text.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1))
}

function byIndex(text: readonly string[], word: string): Map<number, string> {
  return new Map(
    of(text, word).map((line) => {
      const space = line.indexOf(' ')
      return [Number(line.slice(0, space)), line.slice(space + 1)]
    }),
  )
}

/** st_mode of inode(7): its upper bits are the type. */
const kinds: Readonly<Record<number, PathFacts['kind']>> = { 0o100000: 'file', 0o040000: 'directory', 0o120000: 'link' }

/** Names may have blanks, as those of a directory service; no name has a colon: passwd(5). */
const statLine = /^([0-9a-f]{1,8}) ([0-9]{1,15}) ([0-9]+) ([0-9]+) ([^:]*):([^:]*)$/

function statFacts(text: string): PathFacts | undefined {
  const [, raw = '', size = '', uid = '', gid = '', owner = '', group = ''] = statLine.exec(text) ?? []
  if (raw === '') return undefined
  const bits = Number.parseInt(raw, 16)
  const kind = kinds[bits & 0o170000] ?? 'other'
  const mode = (bits & 0o7777).toString(8).padStart(4, '0')
  return { kind, mode, uid, owner, gid, group, sizeBytes: Number(size) }
}
