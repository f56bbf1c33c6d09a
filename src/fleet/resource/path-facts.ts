import { nothing, sh, type Script } from '../shell/script.ts'
import { asWord, fromWord } from './fact-text.ts'

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
  readonly path: string
  /** The content that it shall have: another one is brought along, where `isShown`. */
  readonly sha256?: string
  readonly isShown?: boolean
}

const absentPath: PathFacts = {
  kind: 'absent', mode: '', uid: '', owner: '', gid: '', group: '', sizeBytes: 0,
} // prettier-ignore

/**
 * Looks at all of them with one stat, one sha256sum and one readlink. Linear: a shell takes long for what it does with a list or a text
 * as long as that of all paths.
 */
export function pathScript(asked: readonly AskedPath[]): Script {
  const hashed = asked.filter(({ sha256 }) => sha256 !== undefined)
  return sh`${hashed.length === 0 ? nothing : contentScript(hashed)}
set -- ${asked.map(({ path }) => path)}
at=0 links=
for path; do
if [ -L "$path" ]; then echo "link $at"; links=$links' "\${'$((at + 1))'}"'
elif [ -e "$path" ]; then echo "have $at"; fi
at=$((at + 1))
done
stat -c 'stat %f %s %u %g %U:%G %n' -- "$@" 2>/dev/null
printf '\\ntargets\\n'
[ -z "$links" ] || eval "readlink -z -- $links"`
}

/**
 * Digests of files, and the texts of those that are shown and have another one. Whoever owns its folder may put a link or a pipe in
 * its place meanwhile: dd(1) follows none, and waits for none.
 */
function contentScript(hashed: readonly AskedPath[]): Script {
  const wanted = hashed.map(({ path, sha256 = '' }) => sumLine(path, sha256)).join('\n')
  return sh`set -- ${hashed.map(({ path }) => path)}
at=0 files= sums=
for path; do
at=$((at + 1))
if [ -f "$path" ] && [ ! -L "$path" ]; then files=$files' "\${'$at'}"'; fi
done
[ -z "$files" ] || eval "sums=\\$(sha256sum -- $files)"
printf '%s\\n' "$sums"
wanted=${wanted}
if [ "$sums" != "$wanted" ]; then
set -- ${hashed.map(({ path, isShown }) => (isShown ? path : ''))}
for at in $(printf '%s\\n' "$wanted" '' "$sums" | awk ${otherLines}); do
eval "path=\\\${$at}"
if [ -f "$path" ] && [ ! -L "$path" ]; then
printf 'text %s ' "$at"
dd "if=$path" ${`bs=${mostShownBytes + 1}`} count=1 iflag=fullblock,nofollow,nonblock status=none 2>/dev/null | ${asWord}
fi
done
fi`
}

/** Of lines, an empty one, and lines: the numbers, from one, of those of the former that are not among the latter. */
const otherLines = `$0 == "" { after = 1 }
after { known[$0]; next }
{ lines[++count] = $0 }
END { for (at = 1; at <= count; at++) if (!(lines[at] in known)) print at }`

const mostShownBytes = 64 * 1024

/**
 * As many as were asked for. Undefined: what was printed (none: nothing is known) is not whole, or says that it is there and not what it
 * is, as of one that went meanwhile.
 */
export function readPaths(output: Buffer | undefined, asked: readonly AskedPath[]): (PathFacts | undefined)[] {
  const said = output === undefined ? undefined : split(output)
  if (said === undefined) return asked.map(() => undefined)
  const { text, targets } = said
  const linked = of(text, 'link')
  const have = new Set([...of(text, 'have'), ...linked])
  // Which is whose is known as long as none of them has gone.
  const leads = new Map(linked.length === targets.length ? linked.map((at, index) => [at, targets[index]]) : [])
  const stats = new Map(of(text, 'stat').flatMap(statEntry))
  const sums = new Map(text.flatMap(sumEntry))
  const texts = byPath(text, asked)
  return asked.map(({ path, sha256: wanted }, at) => {
    if (!have.has(String(at))) return absentPath
    const facts = stats.get(path)
    if (facts === undefined) return undefined
    if (facts.kind === 'link') {
      const target = leads.get(String(at))
      return target === undefined ? undefined : { ...facts, target }
    }
    const sha256 = sums.get(path)
    if (facts.kind === 'file' && wanted !== undefined && sha256 === undefined) return undefined
    const content = fromWord(texts.get(path))
    return {
      ...facts,
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(content === undefined || content.length > mostShownBytes ? {} : { text: content }),
    }
  })
}

const targetsMark = '\ntargets\n'

function split(output: Buffer): { text: string[]; targets: string[] } | undefined {
  const end = output.indexOf(targetsMark)
  if (end === -1) return undefined
  const targets = output
    .subarray(end + targetsMark.length)
    .toString()
    .split('\0')
    .slice(0, -1)
  return { text: output.subarray(0, end).toString().split('\n'), targets }
}

/** As sha256sum(1) writes it: with a backslash before it where the name has to be escaped. */
function sumLine(path: string, sha256: string): string {
  return path.includes('\\') ? `\\${sha256}  ${path.replaceAll('\\', '\\\\')}` : `${sha256}  ${path}`
}

function sumEntry(line: string): [string, string][] {
  const [, escape, sum = '', name = ''] = /^(\\?)([0-9a-f]{64}) [ *](.*)$/s.exec(line) ?? []
  if (escape === undefined) return []
  return [[escape === '' ? name : name.replaceAll('\\\\', '\\'), sum]]
}

function of(text: readonly string[], word: string): string[] {
  return text.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1))
}

/** In base64. They are told by their numbers, from one, among those whose content was asked for. */
function byPath(text: readonly string[], asked: readonly AskedPath[]): Map<string | undefined, string> {
  const hashed = asked.filter(({ sha256 }) => sha256 !== undefined)
  return new Map(
    of(text, 'text').map((line) => {
      const space = line.indexOf(' ')
      return [hashed[Number(line.slice(0, space)) - 1]?.path, line.slice(space + 1)]
    }),
  )
}

/** st_mode of inode(7): its upper bits are the type. */
const kinds: Readonly<Record<number, PathFacts['kind']>> = { 0o100000: 'file', 0o040000: 'directory', 0o120000: 'link' }

/** Names may have blanks, as those of a directory service; no name has a colon (passwd(5)), and each path begins with a slash. */
const statLine = /^([0-9a-f]{1,8}) ([0-9]{1,15}) ([0-9]+) ([0-9]+) ([^:]*):([^:]*?) (\/.*)$/s

function statEntry(line: string): [string, PathFacts][] {
  const [, raw = '', size = '', uid = '', gid = '', owner = '', group = '', path = ''] = statLine.exec(line) ?? []
  if (raw === '') return []
  const bits = Number.parseInt(raw, 16)
  const kind = kinds[bits & 0o170000] ?? 'other'
  const mode = (bits & 0o7777).toString(8).padStart(4, '0')
  return [[path, { kind, mode, uid, owner, gid, group, sizeBytes: Number(size) }]]
}
