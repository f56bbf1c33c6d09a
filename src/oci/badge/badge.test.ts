import fc from 'fast-check'
import { SaxesParser } from 'saxes'
import { describe, expect, it } from 'vitest'
import { badgeAnswer, type BadgeRequest } from './badge-answer.ts'
import { badgeOf, badgeTextOf, type BadgeState } from './badge.ts'

/** What a reader of the page is told, by a parser that takes no XML but XML. */
function read(svg: string): { title: string; label: string; elements: Set<string>; attributes: Set<string> } {
  const parser = new SaxesParser()
  const found = { title: '', label: '', elements: new Set<string>(), attributes: new Set<string>() }
  let inside = ''
  parser.on('opentag', ({ name, attributes }) => {
    inside = name
    found.elements.add(name)
    for (const key of Object.keys(attributes)) found.attributes.add(key)
    if (name === 'svg') found.label = attributes['aria-label'] ?? ''
  })
  parser.on('text', (text) => {
    if (inside === 'title') found.title += text
  })
  parser.on('closetag', () => {
    inside = ''
  })
  parser.write(svg).close()
  return found
}

const states: [BadgeState, string, string][] = [
  [{ kind: 'passing', version: '1.4.0' }, 'build: 1.4.0', '#2a7d2e'],
  [{ kind: 'failing' }, 'build: failing', '#c0392b'],
  [{ kind: 'building' }, 'build: building', '#1f6fb2'],
  [{ kind: 'building', version: '1.5.0' }, 'build: building 1.5.0', '#1f6fb2'],
  [{ kind: 'unknown' }, 'build: unknown', '#6a6a6a'],
]

describe('a badge', () => {
  it.each(states)('of %j says %s', (state, words, colour) => {
    const svg = badgeOf(badgeTextOf(state))
    expect(read(svg)).toMatchObject({ title: words, label: words })
    expect(svg).toContain(`fill="${colour}"`)
  })

  it('lets white text be read on each colour', () => {
    for (const [, , colour] of states) expect(contrastToWhite(colour)).toBeGreaterThanOrEqual(4.5)
  })

  it('takes strange names for names', () => {
    const { title, elements } = read(badgeOf({ label: '<script>"&\'', message: ']]>\u0000\ud800é', colour: 'red' }))
    expect(title).toBe('<script>"&\': ]]> \ufffdé')
    expect(elements).not.toContain('script')
  })

  it('is XML of the same elements whatever it is to say', () => {
    const usual = read(badgeOf({ label: 'build', message: '1', colour: 'green' }))
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary', maxLength: 300 }), (label, message) => {
        const { title, elements, attributes } = read(badgeOf({ label, message, colour: 'green' }))
        expect([...elements].every((name) => usual.elements.has(name))).toBe(true)
        expect([...attributes].every((name) => usual.attributes.has(name))).toBe(true)
        expect(Array.from(title).length).toBeLessThanOrEqual(162)
      }),
      { numRuns: 40 },
    )
  })
})

describe('what is answered for a badge', () => {
  const ask = (request: Partial<BadgeRequest> = {}) =>
    badgeAnswer({ state: { kind: 'passing', version: '1.4.0' }, format: 'svg', ...request })

  it('is an image that proxies ask for again', () => {
    const { status, headers } = ask()
    expect(status).toBe(200)
    expect(headers).toMatchObject({ 'content-type': 'image/svg+xml; charset=utf-8' })
    expect(headers['cache-control']).toContain('no-cache')
    expect(headers['etag']).toMatch(/^"[\w-]{22}"$/)
  })

  it('is for shields what its endpoint badge wants', () => {
    expect(JSON.parse(ask({ format: 'json', label: 'counter' }).body)).toEqual({
      schemaVersion: 1,
      label: 'counter',
      message: '1.4.0',
      color: '#2a7d2e',
    })
    expect(JSON.parse(ask({ format: 'json', state: { kind: 'failing' } }).body)).toMatchObject({ isError: true })
  })

  it.each<[string, (etag: string) => string, number]>([
    ['the same', (etag) => etag, 304],
    ['a weak one', (etag) => `W/${etag}`, 304],
    ['one of several', (etag) => `"x", ${etag}`, 304],
    ['any', () => '*', 304],
    ['another', () => '"other"', 200],
  ])('to %s tag that is known', (_, header, status) => {
    const etag = ask().headers['etag'] ?? ''
    const answer = ask({ ifNoneMatch: header(etag) })
    expect(answer.status).toBe(status)
    expect(answer.headers['etag']).toBe(etag)
    expect(answer.body === '').toBe(status === 304)
  })

  it('has another tag when it says something else', () => {
    expect(ask({ state: { kind: 'failing' } }).headers['etag']).not.toBe(ask().headers['etag'])
    expect(ask({ format: 'json' }).headers['etag']).not.toBe(ask().headers['etag'])
  })
})

/** Source: WCAG 2.2, relative luminance and contrast ratio. */
function contrastToWhite(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
}
