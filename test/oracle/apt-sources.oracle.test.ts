import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isLarderError } from '../../src/core/error.ts'
import { readAptConfig } from '../../src/apt/host/apt-config.ts'
import { readHostSources, type HostSource } from '../../src/apt/host/sources.ts'

const hasApt = spawnSync('apt-get', ['--version']).status === 0
const must = process.env['CI'] === 'true'
const architectures = ['amd64', 'i386', 'arm64']
const known = architectures.slice(0, 2)
const suites = ['one', 'two']
const components = ['main', 'extra']
const folders = ['a', 'b', 'amd64']

const stanza = 'Types: deb\nURIs: http://example.org/a\nSuites: one\nComponents: main\n'

/** Files below etc/apt. */
type Files = Record<string, string>

const readable: [string, Files][] = [
  ['a line', { 'sources.list': 'deb http://example.org/a one main\n' }],
  ['a line without end', { 'sources.list': 'deb http://example.org/a/ one main extra' }],
  ['options', { 'sources.list': 'deb [arch=amd64,arm64 trusted=no lang=de] http://example.org/a one main # c\n' }],
  ['options with blanks', { 'sources.list': 'deb [ arch=arm64 ] http://example.org/a one main\n' }],
  ['architectures added', { 'sources.list': 'deb [arch+=arm64 arch-=i386] http://example.org/a one main\n' }],
  ['an option in upper case', { 'sources.list': 'deb [ARCH=arm64] http://example.org/a one main\n' }],
  [
    'sources',
    { 'sources.list': 'deb-src http://example.org/a one main\n\n# c\n   # d\n\tdeb http://example.org/b two extra\n' },
  ],
  ['a flat one', { 'sources.list': 'deb http://example.org/$(ARCH) ./\n' }],
  ['a flat one in a folder', { 'sources.list': 'deb http://example.org/b sub/\n' }],
  ['quotes', { 'sources.list': 'deb "http://example.org/a" one "main"\n' }],
  ['CR LF', { 'sources.list': 'deb http://example.org/a one main\r\n' }],
  ['a stanza', { 'sources.list.d/x.sources': stanza }],
  ['several stanzas', { 'sources.list.d/x.sources': `# c\n${stanza}\n\n# d\n\n${stanza.replace('one', 'two')}# e\n` }],
  [
    'several of all',
    {
      'sources.list.d/x.sources':
        'Types: deb deb-src\nURIs: http://example.org/a http://example.org/b\nSuites: one two\nComponents:\n main\n extra\nArchitectures: amd64 arm64\n',
    },
  ],
  ['a comment inside', { 'sources.list.d/x.sources': stanza.replace('Suites', '# c\nSuites') }],
  ['disabled', { 'sources.list.d/x.sources': `${stanza}Enabled: no\n\n${stanza.replace('one', 'two')}Enabled: yes\n` }],
  ['Enabled in upper case', { 'sources.list.d/x.sources': `${stanza}Enabled: NO\n` }],
  [
    'architectures in a stanza',
    { 'sources.list.d/x.sources': `${stanza}Architectures-Add: arm64\nArchitectures-Remove: amd64\n` },
  ],
  ['a flat stanza', { 'sources.list.d/x.sources': 'Types: deb\nURIs: http://example.org/a\nSuites: ./\n' }],
  ['fields in another case', { 'sources.list.d/x.sources': stanza.replace('Types', 'TYPES').replace('URIs', 'uris') }],
  [
    'names of files',
    Object.fromEntries(
      [
        'a.list',
        'a-b_c.1.list',
        'A:b.list',
        '.h.list',
        'd e.list',
        'g.list~',
        'h.list.save',
        'i',
        '~j.list',
        'k+l.list',
        'é.list',
        '_m.list',
        '-n.list',
      ].map((name, index) => [`sources.list.d/${name}`, `deb http://example.org/a one x${index}\n`]),
    ),
  ],
]

const unreadable: [string, Files][] = [
  ['an unknown type', { 'sources.list': 'rpm http://example.org/a one main\n' }],
  ['no suite', { 'sources.list': 'deb http://example.org/a\n' }],
  ['no component', { 'sources.list': 'deb http://example.org/a one\n' }],
  ['components of a flat one', { 'sources.list': 'deb http://example.org/a ./ main\n' }],
  ['no scheme', { 'sources.list': 'deb example.org/a one main\n' }],
  ['an option without value', { 'sources.list': 'deb [arch] http://example.org/a one main\n' }],
  ['an option that is empty', { 'sources.list': 'deb [arch=] http://example.org/a one main\n' }],
  ['a bracket that is open', { 'sources.list': 'deb [arch=amd64 http://example.org/a one main\n' }],
  ['a stanza without types', { 'sources.list.d/x.sources': stanza.replace(/Types.*\n/, '') }],
  ['a stanza without addresses', { 'sources.list.d/x.sources': stanza.replace(/URIs.*\n/, '') }],
  ['a stanza without suites', { 'sources.list.d/x.sources': stanza.replace(/Suites.*\n/, '') }],
  ['a stanza without components', { 'sources.list.d/x.sources': stanza.replace(/Components.*\n/, '') }],
  ['a stanza of an unknown type', { 'sources.list.d/x.sources': stanza.replace('deb', 'rpm') }],
]

describe.skipIf(!hasApt && !must)('sources of a host, beside apt-get indextargets [needs apt]', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'larder-indextargets-'))
  })
  afterEach(() => {
    rmSync(root, { recursive: true })
  })

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }

  /** Apt names only targets whose files it has: so it is given one for each that any of the cases could mean. */
  function writeLists(): void {
    for (const folder of folders) {
      const site = `var/lib/apt/lists/example.org_${folder}`
      for (const suite of ['._', 'sub_'])
        for (const kind of ['Packages', 'Sources']) write(`${site}_${suite}${kind}`, '')
      for (const suite of suites)
        for (const component of [...components, ...Array.from({ length: 13 }, (_, index) => `x${index}`)]) {
          write(`${site}_dists_${suite}_${component}_source_Sources`, '')
          for (const name of architectures) write(`${site}_dists_${suite}_${component}_binary-${name}_Packages`, '')
        }
    }
    write('status', '')
    mkdirSync(join(root, 'var/lib/apt/lists/partial'), { recursive: true })
  }

  function askApt(): { status: number | null; targets: string[] } {
    const format = '$(SOURCESENTRY) $(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT) $(ARCHITECTURE)'
    const settings = [
      `Dir=${root}`,
      `Dir::State::status=${root}/status`,
      'APT::Architecture=amd64',
      'Acquire::Languages=none',
    ]
    const options = [...settings, ...known.map((name) => `APT::Architectures::=${name}`)].flatMap((setting) => [
      '-o',
      setting,
    ])
    const result = spawnSync('apt-get', ['indextargets', ...options, '--format', format], {
      env: { ...process.env, LC_ALL: 'C', APT_CONFIG: '/dev/null' },
    })
    const lines = result.stdout.toString().split('\n')
    return { status: result.status, targets: lines.filter((line) => / (Packages|Sources) /.test(line)).toSorted() }
  }

  function targetsOf(source: HostSource): string[] {
    const found: string[] = []
    for (const type of source.types)
      for (const uri of source.uris)
        for (const suite of source.suites) {
          const entry = `${source.file}:${source.line} ${type === 'deb' ? 'Packages' : 'Sources'} ${uri} ${suite}`
          if (suite.endsWith('/')) found.push(`${entry} $(COMPONENT) $(ARCHITECTURE)`)
          for (const component of source.components) {
            const names = type === 'deb' ? (source.architectures ?? known) : ['$(ARCHITECTURE)']
            found.push(...names.map((name) => `${entry} ${component} ${name}`))
          }
        }
    return found
  }

  const read = (): Promise<HostSource[]> => readHostSources({ root, architecture: 'amd64', architectures: known })

  it.each(readable)('means the same by %s', async (_, files) => {
    for (const [path, text] of Object.entries(files)) write(join('etc/apt', path), text)
    writeLists()
    const { status, targets } = askApt()
    expect(status).toBe(0)
    const sources = await read()
    // Apt gives deb822 stanzas by their number in place of a line
    const plain = (line: string): string => line.replace(/(\.sources):\d+ /, '$1 ')
    expect(sources.flatMap(targetsOf).map(plain).toSorted()).toEqual(targets.map(plain).toSorted())
  })

  it.each(unreadable)('refuses %s as apt does', async (_, files) => {
    for (const [path, text] of Object.entries(files)) write(join('etc/apt', path), text)
    writeLists()
    expect(askApt().status).not.toBe(0)
    await expect(read()).rejects.toSatisfy((error) => isLarderError(error, 'APT_SOURCES_MALFORMED'))
  })

  it('knows the architecture that dpkg knows', async () => {
    const { architecture } = await readAptConfig()
    expect(architecture).toBe(spawnSync('dpkg', ['--print-architecture']).stdout.toString().trim())
  })
})
