import { malformed, readRange, type DebSource } from './deb-source.ts'

/** A file in the archive that a .deb is; `start` and `end` (exclusive) in the .deb. */
export interface ArMember {
  name: string
  start: number
  end: number
}

/**
 * Members of a .deb by their headers alone. Source: deb(5), ar(5).
 *
 * @throws APT_DEB_MALFORMED
 */
export async function readArMembers(source: DebSource): Promise<ArMember[]> {
  const fail = (why: string): Error => malformed(source.label, why)
  const magic = await readRange(source, { start: 0, end: Math.min(8, source.sizeBytes) })
  if (magic.toString('latin1') !== '!<arch>\n') throw fail('it does not begin as an ar archive')
  const members: ArMember[] = []
  let position = 8
  while (position < source.sizeBytes) {
    if (members.length === mostMembers) throw fail(`it has more than ${mostMembers} members`)
    const end = position + headerBytes
    if (end > source.sizeBytes) throw fail('it ends in the header of a member')
    const member = parseHeader(await readRange(source, { start: position, end }), end)
    if (member === undefined) throw fail(`the header at byte ${position} is malformed`)
    if (member.end > source.sizeBytes) throw fail(`the member ${member.name} is cut short`)
    members.push(member)
    // Members begin at even places.
    position = member.end + (member.end % 2)
  }
  return members
}

const headerBytes = 60
/** Three are usual, with a few more for signatures. */
const mostMembers = 16

function parseHeader(header: Buffer, start: number): ArMember | undefined {
  const text = header.toString('latin1')
  const name = text.slice(0, 16).trimEnd().replace(/\/$/, '')
  const size = text.slice(48, 58).trimEnd()
  const sound = header.length === headerBytes && text.endsWith('`\n') && /^[0-9]+$/.test(size)
  if (!sound || !/^[A-Za-z0-9._+-]+$/.test(name)) return undefined
  return { name, start, end: start + Number(size) }
}
