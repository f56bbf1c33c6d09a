import { lines, sh, type Script } from '../shell/script.ts'

/**
 * What facts scripts print is lines of words. A part begins with `@name` and ends with `@end name`; in a part of records,
 * each begins with `= 3` and ends with `. 3`. Values that may hold anything stand in base64, so that nothing that a host
 * says is taken for a mark.
 */
export function part(name: string, body: Script): Script {
  return sh`echo ${`@${name}`}\n${body}\necho ${`@end ${name}`}`
}

/** Runs a script for each, in a shell of its own; one that fails leaves its record without an end. */
export function records(bodies: readonly Script[]): Script {
  return lines(...bodies.map((body, index) => sh`echo ${`= ${index}`}; (\n${body}\n) && echo ${`. ${index}`} || :`))
}

/** Standard input as one word. `-w 0` of the coreutils: without line breaks. */
export const asWord: Script = sh`{ base64 -w 0; echo; }`

/** Lines of a part; undefined where it is not there as a whole. */
export function readPart(output: Buffer, name: string): string[] | undefined {
  const all = output.toString('latin1').split('\n')
  const start = all.indexOf(`@${name}`)
  const end = start === -1 ? -1 : all.indexOf(`@end ${name}`, start)
  return end === -1 ? undefined : all.slice(start + 1, end)
}

/** What a record says, by the first word of each line. */
export type FactRecord = ReadonlyMap<string, string>

/** As many as were asked for; undefined where one is not whole. */
export function readRecords(output: Buffer, count: number): (FactRecord | undefined)[] {
  const found = new Map<number, FactRecord>()
  let open: { index: number; words: Map<string, string> } | undefined
  for (const line of output.toString('latin1').split('\n')) {
    const mark = /^([=.]) ([0-9]{1,6})$/.exec(line)
    if (mark === null) {
      const space = line.indexOf(' ')
      if (space === -1) open?.words.set(line, '')
      else open?.words.set(line.slice(0, space), line.slice(space + 1))
      continue
    }
    const index = Number(mark[2])
    if (mark[1] === '=') open = { index, words: new Map() }
    else if (open?.index === index) {
      found.set(index, open.words)
      open = undefined
    }
  }
  return Array.from({ length: count }, (_, index) => found.get(index))
}

/** What stands in base64; undefined where it is not. */
export function fromWord(word: string | undefined): Buffer | undefined {
  return word === undefined || !/^[A-Za-z0-9+/]*={0,2}$/.test(word) ? undefined : Buffer.from(word, 'base64')
}

/** What looks that may wait for others may take together, in seconds: less than the look at a machine that they are a part of. */
export const lookSeconds = 40

/** Sets `$larder_deadline`, in seconds since 1970, where it is not set yet. */
export const lookDeadline: Script = sh`within=${lookSeconds}
: "\${larder_deadline:=$(($(date +%s) + within))}"`

export const cutOff = 'what the host said of it is not whole'

/**
 * Asks for entries of accounts by name, all with one process: `database` is of getent(1). What it cannot answer is no
 * absence, so that its exit code is a part of what it says.
 */
export function accountScript(database: 'passwd' | 'group', names: readonly string[]): Script {
  return part(database, sh`getent ${database} ${names}; echo "code $?"`)
}

/** Fields of each entry, by name; undefined where it could not be asked. 2 of getent(1): some are not there. */
export function readAccounts(output: Buffer, database: 'passwd' | 'group'): Map<string, string[]> | undefined {
  const lines = readPart(output, database)
  if (!/^code [02]$/.test(lines?.at(-1) ?? '')) return undefined
  const entries = lines?.slice(0, -1).map((line) => Buffer.from(line, 'latin1').toString().split(':')) ?? []
  return new Map(entries.map((fields) => [fields[0] ?? '', fields]))
}
