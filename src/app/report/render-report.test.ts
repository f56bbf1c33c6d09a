import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { MirrorPackage } from '../../mirror/index.ts'
import type { RecordedChange, Run } from '../../pipeline/index.ts'
import { readApproval } from '../../forge/approval.ts'
import { renderReport } from './render-report.ts'
import { longestReportBytes, type ReportSubject } from './report.ts'

const run = (more: Partial<Run> = {}): Run => ({
  id: 17,
  branch: 'add-nmap',
  commit: 'a'.repeat(40),
  goal: 'plan',
  state: 'succeeded',
  origin: 'github delivery 1',
  createdAt: new Date(0),
  startedAt: new Date(0),
  finishedAt: new Date(0),
  attempts: 1,
  error: undefined,
  plan: undefined,
  pullRequest: 7,
  baseCommit: 'b'.repeat(40),
  trust: 'trusted',
  sections: undefined,
  only: undefined,
  ...more,
})

const subject = (more: Partial<Run>, rest: Partial<ReportSubject> = {}): ReportSubject => ({
  run: run(more),
  previews: [],
  leftOut: [],
  unchanged: [],
  url: 'http://larder.example.org/runs/17',
  ...rest,
})

const packageNamed = (name: string, more: Partial<MirrorPackage> = {}): MirrorPackage => ({
  name,
  version: '1.0-1',
  architecture: 'amd64',
  sizeBytes: 12_300,
  path: `pool/${name}.deb`,
  digest: '',
  upstream: 'debian',
  reason: 'listed',
  ...more,
})

const change = (added: readonly MirrorPackage[], more: object = {}): RecordedChange => ({
  subject: 'mirror base',
  action: 'update',
  summary: `+${added.length} packages; 120 in all; 12.3 MB to fetch`,
  detail: { mirror: 'base', added, removed: [], changed: [], notes: [], ...more },
})

/** The text of Markdown that is neither a code span nor a block of code: what a forge reads anything into. */
function outsideCode(markdown: string): string {
  const kept: string[] = []
  let fence: string | undefined
  for (const line of markdown.split('\n')) {
    const mark = /^(`{3,})/.exec(line)?.[1]
    if (fence !== undefined) {
      if (mark !== undefined && mark.length >= fence.length && line === mark) fence = undefined
    } else if (mark !== undefined) fence = mark
    else kept.push(line.replaceAll(/`[^`]*`/g, '·'))
  }
  return kept.join('\n')
}

describe('a plan', () => {
  it('shows what comes, changes and goes, and what stays', () => {
    const before = packageNamed('curl')
    const after = packageNamed('curl', { version: '2.0-1' })
    const plan = [
      change([packageNamed('nmap'), packageNamed('liblua', { reason: 'nmap Depends liblua (>= 5)' })], {
        changed: [{ before, after }],
        removed: [packageNamed('old')],
        notes: ['same version, other bytes'],
      }),
    ]
    const { state, title, summary, annotations } = renderReport(subject({ plan }, { unchanged: ['mirror el9'] }))
    expect(state).toBe('success')
    expect(title).toBe('mirror base: +2 packages; 120 in all; 12.3 MB to fetch')
    expect(annotations).toEqual([])
    expect(summary).toContain('| `nmap` | `1.0-1` | `amd64` | 12.3 kB | `debian` | listed |')
    expect(summary).toContain('| `liblua` | `1.0-1` | `amd64` | 12.3 kB | `debian` | `nmap Depends liblua (>= 5)` |')
    expect(summary).toContain('| `curl` | `1.0-1` | `2.0-1` | `amd64` | 12.3 kB |')
    expect(summary).toContain('| `old` | `1.0-1` | `amd64` |')
    expect(summary).toContain('Not touched: `mirror el9`.')
    expect(summary).toContain('`add-nmap` (`aaaaaaaaaaaa`) merged into `main` (`bbbbbbbbbbbb`)')
  })

  it('says how to try it, and what cannot be tried', () => {
    const preview = { run: 17, pullRequest: 7, mirror: 'base', format: 'apt', sizeBytes: 1 }
    const base = 'http://larder.example.org/preview/17'
    const urls = { url: `${base}/apt/base/`, setupUrl: `${base}/setup/base`, expiresAt: '2026-03-08T10:00:00.000Z' }
    const leftOut = [{ subject: 'mirror el9', reason: 'a maintainer has to say /larder ok first' }]
    const rest = { previews: [{ ...preview, ...urls }], leftOut }
    const { summary } = renderReport(subject({ plan: [change([packageNamed('nmap')])] }, rest))
    expect(summary).toContain('```sh\ncurl -fsS http://larder.example.org/preview/17/setup/base | sudo sh\n```')
    expect(summary).toContain('2026-03-08 10:00 UTC')
    expect(summary).toContain('No preview of `mirror el9`: `a maintainer has to say /larder ok first`')
  })

  it.each([0, 1, 25, 26, 600, 100_000])('of %d packages is never longer than forges take', (count) => {
    const added = Array.from({ length: count }, (_, index) => packageNamed(`package-${index}`))
    const { summary } = renderReport(subject({ plan: [change(added)] }))
    expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(longestReportBytes)
    if (count > 0) expect(summary).toContain('`package-0`')
    if (count > 425) expect(summary).toMatch(/and \d+ more, which the run shows/)
    expect(summary.match(/<details>/g)?.length ?? 0).toBe(count > 25 ? 1 : 0)
  })

  it('of thousands of mirrors is shown in short', () => {
    const plan = Array.from({ length: 5000 }, (_, index) => ({
      ...change([packageNamed('nmap')]),
      subject: `mirror m${index}`,
    }))
    const { summary, title } = renderReport(subject({ plan }))
    expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(longestReportBytes)
    expect(title).toMatch(/^5000 changes: update mirror m0/)
  })
})

describe('a failure', () => {
  const problem = {
    severity: 'error' as const,
    file: 'packages.json',
    line: 3,
    column: 5,
    message: 'no package "nmpa"',
  }

  it('has every error at its place', () => {
    const problems = [
      { ...problem, suggestion: 'nmap' },
      { ...problem, line: 9 },
    ]
    const error = { code: 'SITE_INVALID', message: 'x', hint: 'Mend it.', context: { problems } }
    const { state, title, annotations, summary } = renderReport(subject({ state: 'failed', error }))
    expect(state).toBe('failure')
    expect(title).toBe('2 errors; packages.json:3:5: no package "nmpa": did you mean nmap?')
    expect(annotations.map(({ path, line, column, message }) => [path, line, column, message])).toEqual([
      ['packages.json', 3, 5, 'no package "nmpa": did you mean nmap?'],
      ['packages.json', 9, 5, 'no package "nmpa"'],
    ])
    expect(summary).toContain('packages.json:9:5: no package "nmpa"')
    expect(summary).toContain('What to do: `Mend it.`')
  })

  it.each([
    ['FETCH_UNREACHABLE', 'error'],
    ['MERGE_CONFLICT', 'failure'],
    ['FORK_NEEDS_APPROVAL', 'pending'],
    ['no such code', 'error'],
  ])('by %s is told as %s', (code, state) => {
    expect(renderReport(subject({ state: 'failed', error: { code, message: 'It is so.' } }))).toMatchObject({
      state,
      title: 'It is so.',
    })
  })

  it('of 100,000 errors is bounded, and has them all in its annotations', () => {
    const problems = Array.from({ length: 100_000 }, (_, index) => ({ ...problem, line: index + 1 }))
    const error = { code: 'SITE_INVALID', message: 'x', context: { problems } }
    const { summary, annotations } = renderReport(subject({ state: 'failed', error }))
    expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(longestReportBytes)
    expect(annotations).toHaveLength(100_000)
  })
})

it('tells of a fork how it can be vouched for', () => {
  expect(renderReport(subject({ plan: [], trust: 'untrusted' })).summary).toContain('`/larder ok aaaaaaaaaaaa`')
  expect(renderReport(subject({ plan: [] })).summary).not.toContain('/larder ok')
})

describe('what comes from outside', () => {
  const evil =
    '@everyone #1 !2 ~x [a](http://evil.example.org) www.evil.example.org <img src=x> `*_\u202e| \n\n# hi\n```\n~~~'

  it.each<[string, Partial<Run>]>([
    ['names of branches', { branch: evil, plan: [] }],
    ['packages', { plan: [change([packageNamed(evil, { version: evil, reason: evil, upstream: evil })])] }],
    ['notes', { plan: [change([], { notes: [evil] })] }],
    ['errors', { state: 'failed', error: { code: 'INTERNAL', message: evil, hint: evil } }],
  ])('is code, and no markup: %s', (_what, more) => {
    const text = outsideCode(renderReport(subject(more)).summary)
    expect(text).not.toMatch(/evil|everyone|img|hi$/m)
    expect(text).not.toMatch(/[@\u202e]/)
  })

  it.each([
    '/larder ok',
    ' \t/larder ok',
    'x\n/larder ok\r\n',
    'x\u2028/merge',
    '```\n/close\n```',
    '\u200b/larder ok',
  ])('gives no orders to whoever reads comments line by line: %j', (text) => {
    const error = { code: 'INTERNAL', message: text, hint: text }
    const plan = [{ ...change([packageNamed(text)], { notes: [text] }), subject: text, summary: text }]
    const { summary } = renderReport(subject({ branch: text, state: 'failed', error, plan }, { unchanged: [text] }))
    expect(summary).not.toMatch(/^\s*\//m)
    expect(readApproval(summary)).toBeUndefined()
  })

  it('whatever it is', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom('`', '@', '|', '\n', '~', ' ', 'x', '<') }),
    )
    fc.assert(
      fc.property(anything, anything, (one, other) => {
        const added = [packageNamed(`@evil ${one}`, { reason: `@evil ${other}` })]
        const error = { code: 'INTERNAL', message: `@evil ${other}`, hint: `${one} @evil` }
        const plan = [change(added, { notes: [`${one} @evil`] })]
        const { summary } = renderReport(subject({ branch: `${one}@evil`, state: 'failed', error, plan }))
        expect(outsideCode(summary)).not.toContain('@evil')
        const row = summary.split('\n').find((line) => line.startsWith('| `@evil'))
        expect(row?.split('|')).toHaveLength(8)
      }),
    )
  })
})
