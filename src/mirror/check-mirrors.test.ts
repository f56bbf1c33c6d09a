import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { formatProblem, parseYaml, subDocument, validate, type CheckContext } from '../core/index.ts'
import { memoryFiles } from '../core/testing/memory-files.ts'
import { checkMirrors } from './check-mirrors.ts'
import type { FormatGrammar } from './format.ts'
import { mirrorSections } from './mirror-schema.ts'

const apt: FormatGrammar = {
  name: 'apt',
  upstreamSchema: z.object({ url: z.url() }),
  mirrorSchema: z.object({ suite: z.string() }).refine(({ suite }) => suite !== 'none', {
    path: ['suite'],
    message: 'a suite that exists',
  }),
  checkListed: ({ name, position }) =>
    name.length > 1 ? [] : [{ severity: 'error', ...position, message: `${name} is too short` }],
}
const rpm: FormatGrammar = { ...apt, name: 'rpm', mirrorSchema: z.object({}) }
const formats = [apt, rpm]
const sections = mirrorSections(formats)

const upstreams =
  'upstreams:\n  debian: {format: apt, url: "http://a.example.org/"}\n  el9: {format: rpm, url: "http://b.example.org/"}\n'

interface Written {
  mirrors: Record<string, unknown>
}

async function check(
  mirror: string,
  files: Record<string, string> = { 'packages.json': '["nmap"]' },
): Promise<string[]> {
  const text = `${upstreams}mirrors:\n  base: ${mirror}\n`
  const document = parseYaml(text, 'larder.yaml').document!
  const mirrors = validate(sections.mirrors, subDocument(document, ['mirrors']))
  const all: Record<string, string> = { ...files, 'larder.yaml': text }
  const site = { upstreams: validate(sections.upstreams, subDocument(document, ['upstreams'])).value }
  const context: CheckContext = {
    files: memoryFiles(all),
    site,
    declared: { upstreams: ['debian', 'el9', 'broken'] },
    wrong: { mirrors: mirrors.value === undefined ? (document.value as Written).mirrors : {} },
    documentAt: (path) => subDocument(document, path),
    positionOf: (path, part) => ({ file: 'larder.yaml', ...document.positionOf(path, part) }),
  }
  const further = await checkMirrors(mirrors.value ?? {}, context, formats)
  return [...mirrors.problems, ...further].map(formatProblem)
}

describe('checkMirrors', () => {
  it.each([
    ['{format: apt, upstreams: [debian], suite: s, packages: packages.json}', []],
    ['{format: apt, upstreams: [broken], suite: s, packages: packages.json}', []],
    [
      '{format: apt, upstreams: [debain], suite: s, packages: packages.json}',
      ['larder.yaml:5:35: there is no upstream "debain"; expected one of debian, el9, broken: did you mean debian?'],
    ],
    [
      '{format: apt, upstreams: [debian, el9, debian], suite: s, packages: packages.json}',
      [
        'larder.yaml:5:43: upstream "el9" is of format rpm; expected one of format apt',
        'larder.yaml:5:48: upstream "debian" is named twice; expected each once, the preferred one first',
      ],
    ],
    [
      '{format: apt, upstreams: [debian], suite: s, packages: lists/p.json}',
      ['larder.yaml:5:64: there is no file "lists/p.json" in the site; expected the path of a package list'],
    ],
    [
      '{format: apt, upstreams: [debian], suite: s, packages: [nmap, x, "a;b"]}',
      [
        'larder.yaml:5:74: a character that is in no name of a package, ";", in "a;b"; expected names alone',
        'larder.yaml:5:71: x is too short',
      ],
    ],
    [
      '{format: apt, upstreams: [debian], suite: none, packages: p.json}',
      [
        'larder.yaml:5:51: "suite": a suite that exists',
        'larder.yaml:5:67: there is no file "p.json" in the site; expected the path of a package list',
      ],
    ],
    [
      '{format: apt, upstreams: [debian], suite: s, packages: ../p.json}',
      ['larder.yaml:5:64: "packages": a path within the site repository is needed'],
    ],
    [
      '{format: apt, upstreams: [], suite: s, packages: [], keep: {snapshots: 0, gens: 1}}',
      [
        'larder.yaml:5:34: "upstreams" is too short a list; expected at least 1 entry',
        'larder.yaml:5:80: "snapshots" is too small; expected at least 1',
        'larder.yaml:5:83: unknown name "gens"; expected one of snapshots, generations',
        'larder.yaml:5:58: warning: the list names no package',
      ],
    ],
    [
      '{format: rpm, upstreams: [el9], suite: s, packages: packages.json}',
      [expect.stringContaining('larder.yaml:5:41: unknown name "suite"; expected one of format, upstreams, packages')],
    ],
  ])('%s', async (mirror, problems) => {
    expect(await check(mirror)).toEqual(problems)
  })

  it('fills in what is not said', () => {
    const mirror = { format: 'apt', upstreams: ['debian'], suite: 's', packages: 'p.json' }
    expect(sections.mirrors.parse({ base: mirror })['base']).toEqual({
      ...mirror,
      recommends: false,
      exclude: [],
      keep: { snapshots: 10, generations: 3 },
    })
  })

  it.each(['Base', '..', 'a/b', '-x', 'a..b', '', 'a'.repeat(64)])('refuses a mirror that is called %j', (name) => {
    const mirror = { format: 'apt', upstreams: ['debian'], suite: 's', packages: 'p.json' }
    expect(sections.mirrors.safeParse({ [name]: mirror }).success).toBe(false)
  })
})
