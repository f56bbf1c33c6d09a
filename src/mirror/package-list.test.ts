import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatProblem } from '../core/index.ts'
import type { ListedPackage } from './format.ts'
import { parsePackageList } from './package-list.ts'
import { packageListSchema } from './package-list-schema.ts'

function read(text: string, file = 'p.json') {
  const { list, problems } = parsePackageList(Buffer.from(text), file)
  return { list, listed: list.map(inShort), problems: problems.map((one) => formatProblem(one).replace('p.json:', '')) }
}

/** `nginx:amd64 >= 1.22 +recommends -doc`, the same for every shape. */
function inShort({ name, architecture, constraint, recommends, exclude }: ListedPackage): string {
  return [
    architecture === undefined ? name : `${name}:${architecture}`,
    ...(constraint === undefined ? [] : [`${constraint.operator} ${constraint.version}`]),
    ...(recommends === undefined ? [] : [recommends ? '+recommends' : '-recommends']),
    ...exclude.map((one) => `-${one}`),
  ].join(' ')
}

describe('parsePackageList', () => {
  it.each([
    ['[{"package_command": "nmap"}, {"package_command": "python36u python36u-libs"}]', 'nmap|python36u|python36u-libs'],
    ['{"packages": ["nmap"], "$schema": "s.json"}', 'nmap'],
    [
      '["nginx (>= 1.22)", "a >= 1", "b>=2:1.0~rc1-1", "c=1", "d (<<2)"]',
      'nginx >= 1.22|a >= 1|b >= 2:1.0~rc1-1|c = 1|d << 2',
    ],
    ['["libc6:amd64 libc6:i386 (>= 2) nmap"]', 'libc6:amd64|libc6:i386 >= 2|nmap'],
    ['[{"name": "a", "version": ">> 15"}, {"name": "b", "version": "15-1"}]', 'a >> 15|b = 15-1'],
    [
      '[{"name": "a", "recommends": true, "exclude": ["b", "c"], "architecture": "amd64"}]',
      'a:amd64 +recommends -b -c',
    ],
    ['[{"package_command": "a b", "recommends": false}]', 'a -recommends|b -recommends'],
    ['[{"package_command": "yum"}, "apt"]', 'yum|apt'],
  ])('%s', (text, expected) => {
    const { listed, problems } = read(text)
    expect(listed.join('|')).toBe(expected)
    expect(problems).toEqual([])
    expect(packageListSchema.safeParse(JSON.parse(text)).success).toBe(true)
  })

  it.each<[string, string[]]>([
    ['[{"name": "a b", "recommends": "yes"}]', ['"recommends" is "yes"', 'more than one name']],
    [
      '[{"name": "a", "version": "> 1", "recommends": 1, "exclude": ["x;y"], "architecture": "am d"}]',
      [
        '"recommends" is 1',
        '">" compares no versions',
        'a character that is in no name',
        '"am d" is not an architecture',
      ],
    ],
    ['[{"package_command": "a; rm", "recommends": "no"}]', ['"recommends" is "no"', 'a character that is in no name']],
    ['[{"name": 3, "version": "=> 1"}, "b;"]', ['"name" is 3', '"=>" compares no versions', 'a character']],
    ['{"packages": ["a;"], "x": 1, "y": 2}', ['unknown name "x"', 'unknown name "y"', 'a character']],
  ])('tells all that is wrong at once: %s', (text, expected) => {
    const { problems, listed } = read(text)
    expect(problems.map((one) => one.replace(/^\d+:\d+: /, ''))).toEqual(
      expected.map((one): unknown => expect.stringContaining(one)),
    )
    expect(listed).toEqual([])
  })

  it('reads the same from YAML, with places', () => {
    const { listed, list } = read('# the lab\n- nmap\n- name: x\n  version: ">= 1"\n- {package_command: a}\n', 'p.yaml')
    expect(listed).toEqual(['nmap', 'x >= 1', 'a'])
    expect(list.map(({ position }) => `${position.file}:${position.line}:${position.column}`)).toEqual([
      'p.yaml:2:3',
      'p.yaml:3:9',
      'p.yaml:5:21',
    ])
  })

  it.each([
    [
      '{"package_command": "apt-get install -y --no-install-recommends nmap curl"}',
      'nmap|curl',
      '"apt-get install -y --no-install-recommends" is ignored',
    ],
    ['"sudo yum -y install nmap"', 'nmap', '"sudo yum -y install" is ignored'],
    ['{"package_command": "dnf install --enablerepo epel nmap"}', 'nmap', '"dnf install --enablerepo epel" is ignored'],
    ['{"package_command": "-y nmap"}', 'nmap', '"-y" is ignored'],
  ])('takes the command off %s, with a warning', (entry, names, warning) => {
    const { listed, problems } = read(`[${entry}]`)
    expect(listed.join('|')).toBe(names)
    expect(problems).toEqual([expect.stringContaining(`warning: ${warning}; expected names of packages alone`)])
  })

  it.each([
    ['"a;rm -rf /"', 'a character that is in no name of a package, ";", in "a;rm -rf /"'],
    ['"$(reboot)"', 'a character that is in no name of a package, "$"'],
    ['"a\\u0000b"', 'a character that is in no name of a package, "<U+0000>"'],
    ['"é"', 'a character that is in no name of a package, "é"'],
    ['"/srv/nmap.rpm"', '"/srv/nmap.rpm" is a file or an address'],
    ['"/usr/../bin"', '"/usr/../bin" is a file or an address'],
    ['"../../etc/passwd"', '"../../etc/passwd" is a file or an address'],
    ['"http://h.example.org/a.deb"', '"http://h.example.org/a.deb" is a file or an address'],
    ['"nginx/stable"', '"nginx/stable" chooses a suite; expected the name alone'],
    ['"--force"', '"--force" is an option of a command'],
    ['"python3-*"', 'a pattern, "python3-*"'],
    ['"@development"', '"@development": groups are not supported'],
    ['"a, b"', 'a comma in "a,"'],
    ['"a (1.2)"', 'a version without an operator: did you mean a (= 1.2)?'],
    ['"a (> 1)"', '">" compares no versions; expected one of =, >=, <=, >> (later), << (earlier): did you mean >>?'],
    ['"a == 1"', 'did you mean =?'],
    ['{"name": "a", "version": "< 1"}', 'did you mean <<?'],
    ['"a >="', '>= without a version'],
    ['"a (>= 1"', 'a ( that is not closed, in "a (>= 1"'],
    ['"a:"', '"" after the colon is not an architecture'],
    ['"yum remove a"', '"yum remove" installs no package by its name'],
    ['""', 'no name; expected the name of a package'],
    ['5', 'an entry that is 5; expected a name: put it in quotes'],
    ['null', 'an entry that is empty'],
    ['["a"]', 'an entry that is a list'],
    [
      '{"nme": "a"}',
      'unknown name "nme"; expected one of name, version, architecture, recommends, exclude: did you mean name?',
    ],
    ['{"package_comand": "a"}', 'did you mean package_command?'],
    ['{"name": "a", "package_command": "b"}', 'an entry with both "name" and "package_command"'],
    ['{"name": "a b"}', 'more than one name'],
    ['{"name": "a", "version": 1.10}', '"version" is 1.1; expected text: put it in quotes'],
    ['{"name": "a:amd64", "architecture": "i386"}', 'architecture i386, but the name says amd64'],
    ['{"name": "a", "exclude": ["b", "c;"]}', 'a character that is in no name of a package, ";"'],
    [`"${'a'.repeat(201)}"`, 'a name of 201 characters; expected at most 200'],
  ])('refuses %s', (entry, problem) => {
    const { problems } = read(`["ok",\n${entry}]`)
    expect(problems.join('\n')).toContain(problem)
    expect(problems.every((one) => one.startsWith('2:'))).toBe(true)
  })

  it('reports all mistakes of a file at once, of syntax and of names', () => {
    expect(read('[\n  "a;b"\n  "c",\n  {"nme": "d"},\n]').problems.map((one) => one.split(':')[0])).toEqual(
      expect.arrayContaining(['2', '2', '4', '4']),
    )
  })

  it.each([
    ['["nmap", "nmap"]', '1:10: warning: "nmap" is listed twice, first in the same line'],
    [
      '["nmap",\n"nmap (>= 7)"]',
      '2:1: "nmap" contradicts what is said of it in line 1; expected one entry for each package',
    ],
    ['[]', '1:1: warning: the list names no package'],
    [
      '{}',
      '1:1: a package list is a list; expected a list such as ["nmap", "nginx (>= 1.22)"] or [{"package_command": "nmap"}]',
    ],
    ['{"pakages": []}', '1:1: a package list is a list; expected a list such as'],
    ['{"packages": ["nmap"], "x": 1}', '1:24: unknown name "x"; expected packages'],
    ['{"packages": "nmap"}', '1:14: "packages" is not a list'],
  ])('%s', (text, problem) => {
    expect(read(text).problems).toEqual([expect.stringContaining(problem)])
  })

  it('takes the same package for two architectures', () => {
    expect(read('["a:amd64", "a:i386 (= 1)", "a"]').problems).toEqual([])
  })

  it('never throws, and lists only what is a name', () => {
    const shell = fc.constantFrom('a', 'b-1', ' ', '(', ')', '>=', '=', '1', ':', ';', '-y', 'apt', 'install', '/', '*')
    const text = fc.oneof(
      fc.string(),
      fc.array(shell, { maxLength: 12 }).map((parts) => parts.join('')),
    )
    const entry = fc.oneof(
      text,
      fc.jsonValue(),
      fc.record({ name: text, version: text }),
      fc.record({ package_command: text }),
    )
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 5 }), (entries) => {
        const { list } = read(JSON.stringify(entries))
        for (const { name } of list)
          expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9+._-]*$|^(\/[A-Za-z0-9_][A-Za-z0-9+._-]*)+$/)
      }),
      { numRuns: 3_000 },
    )
    fc.assert(fc.property(fc.uint8Array(), (bytes) => parsePackageList(bytes, 'p.yaml').list.length >= 0))
  })

  it('accepts no entry that its schema refuses', () => {
    const object = fc.record(
      {
        name: fc.constantFrom('a', '', 1),
        version: fc.constantFrom('1', '', 2),
        recommends: fc.constantFrom(true, 'x'),
        nme: fc.constant(1),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(object, fc.constantFrom('a', 1, null)), { maxLength: 3 }), (entries) => {
        const { problems } = parsePackageList(Buffer.from(JSON.stringify(entries)), 'p.json')
        const refused = problems.some(({ severity }) => severity === 'error')
        if (!packageListSchema.safeParse(entries).success) expect(refused).toBe(true)
      }),
    )
  })

  it('reads 60,000 names', () => {
    const names = Array.from({ length: 60_000 }, (_, index) => `package-${index}`)
    const { list, problems } = read(JSON.stringify(names, undefined, 1))
    expect(problems).toEqual([])
    expect(list[59_999]).toMatchObject({ name: 'package-59999', position: { line: 60_001, column: 2 } })
  })
})
