import { z } from 'zod'
import { sh } from '../../shell/script.ts'
import { cutOff } from '../fact-text.ts'
import { presence } from '../grammar.ts'
import type { ResourceType } from '../resource-type.ts'

/** RFC 1123 §2.1. */
const hostName = z
  .string()
  .max(253)
  .regex(
    /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/,
    'small letters, digits, - and . make the name of a host',
  )
  .refine((name) => name !== 'localhost', 'localhost is this machine')

const schema = z
  .strictObject({
    'host-entry': hostName,
    address: z.union([z.ipv4(), z.ipv6()], 'an IP address is needed').optional(),
    aliases: z.array(hostName).max(50).default([]),
    state: presence,
  })
  .refine(({ address, state }) => state === 'absent' || address !== undefined, '"address" is missing')
  .describe('A name in /etc/hosts')

type Declared = z.output<typeof schema>

/** After the file as it is. */
const wholeMark = '\nwhole\n'

/** Lines of hosts(5) that bear its name: address, and names. */
export type HostEntryFacts = readonly (readonly string[])[]

export const hostEntryType: ResourceType<Declared, Declared, HostEntryFacts> = {
  name: 'host-entry',
  schema,
  subjectOf: (declared) => declared['host-entry'],
  resolve: async (declared) => declared,
  // Its own name is taken out of all other lines, or they go as a whole. An alias may stand in several.
  claims: async ({ 'host-entry': name, aliases }) =>
    [name, ...aliases].map((one) => ({
      key: `host-entry ${one}`,
      about: `the name ${JSON.stringify(one)} in /etc/hosts`,
      value: one === name ? `of ${name}` : 'alias',
    })),
  facts: () => sh`[ ! -e /etc/hosts ] || head -c 1048576 /etc/hosts && printf ${wholeMark}`,
  read: (output, all) => {
    const said = output.toString('utf8')
    const text = said.endsWith(wholeMark) ? said.slice(0, -wholeMark.length) : undefined
    return all.map((desired) =>
      text === undefined
        ? { known: false, why: cutOff }
        : { known: true, facts: entries(text).filter((words) => words.slice(1).includes(desired['host-entry'])) },
    )
  },
  diff: (desired, facts) => {
    const { address = '', aliases, state } = desired
    const line = (words: readonly string[]): string => words.join(' ')
    if (state === 'absent') return facts.length === 0 ? [] : [{ what: 'state', from: line(facts[0]!) }]
    const wanted = [address, desired['host-entry'], ...aliases]
    if (facts.length === 1 && line(facts[0]!) === line(wanted)) return []
    return [{ what: 'entry', from: facts.length === 0 ? undefined : facts.map(line).join('\n'), to: line(wanted) }]
  },
  /**
   * A line that begins with its name is what it was before, and goes as a whole: else its aliases would lead to where it no longer is.
   * Not so at loopback addresses, where a machine may have its own short name. Of these and of all other lines only its name is taken
   * out; then its own is added. In containers the file is a mount, which cannot be renamed.
   */
  apply: (desired) => {
    const { address = '', aliases, state } = desired
    const name = desired['host-entry']
    const own = state === 'absent' ? '' : [address, name, ...aliases].join(' ')
    return sh`new=$(mktemp /etc/.hosts.larder-XXXXXX)
awk -v name=${name} -v own=${own} '
  { text = $0; comment = ""; at = index(text, "#"); if (at) { comment = substr(text, at); text = substr(text, 1, at - 1) }
    count = split(text, words, /[ \t]+/); first = 1; if (words[1] == "") first = 2; found = 0; kept = words[first]; names = 0
    if (words[first + 1] == name && kept !~ /^127[.]/ && kept != "::1") next
    for (i = first + 1; i <= count; i++) { if (words[i] == "") continue; if (words[i] == name) found = 1; else { kept = kept " " words[i]; names++ } }
    if (!found) print $0; else if (names) print kept (comment == "" ? "" : " " comment) }
  END { if (own != "") print own }' /etc/hosts >"$new"
chmod 0644 "$new"
sync -- "$new"
mv -f -- "$new" /etc/hosts 2>/dev/null || { cat "$new" >/etc/hosts; rm -f -- "$new"; }`
  },
}

function entries(text: string): string[][] {
  return text.split('\n').map((line) => line.replace(/#.*/, '').trim().split(/\s+/))
}
