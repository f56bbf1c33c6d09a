import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { isLarderError } from '../core/index.ts'
import { cutUpdateinfo, type AdvisoryPackage } from './updateinfo.ts'
import { childOf, childrenOf, parseXml } from './xml-document.ts'

async function* pieces(text: string | Buffer, size = 65_536): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const packageTag = (name: string, arch = 'x86_64', evr = 'version="1" release="2" epoch="0"'): string =>
  `<package name="${name}" ${evr} arch="${arch}" src="${name}.src.rpm">\n        <filename>${name}-1-2.${arch}.rpm</filename>\n        <reboot_suggested>True</reboot_suggested>\n      </package>`

const advisory = (
  id: string,
  collections: readonly (readonly string[])[],
): string => `<update from="a@example.org" type="security">
  <id>${id}</id>
  <description>It &lt;was&gt; ö</description>
  <references><reference href="http://example.org/?a&amp;b"/></references>
  <pkglist>
${collections.map((tags) => `    <collection short="c">\n      <name>c</name>\n${tags.map((tag) => `      ${tag}\n`).join('')}    </collection>\n`).join('')}  </pkglist>
</update>`

const file = (...advisories: string[]): string =>
  `<?xml version="1.0"?>\n<updates>\n${advisories.join('\n')}\n</updates>\n`

const named =
  (...names: string[]) =>
  ({ name }: AdvisoryPackage): boolean =>
    names.includes(name)

async function cut(text: string | Buffer, has: (one: AdvisoryPackage) => boolean): Promise<string | undefined> {
  return (await cutUpdateinfo([pieces(text)], { has }))?.toString()
}

describe('what is kept', () => {
  const a = packageTag('a')
  const b = packageTag('b')

  it("is upstream's own text where all packages are there", async () => {
    const text = file(advisory('A-1', [[a, b]]), advisory('A-2', [[a], [b]]))
    expect(await cut(text, () => true)).toBe(text.replace('version="1.0"', 'version="1.0" encoding="UTF-8"'))
  })

  it('is packages that are there, and no collection and no advisory without any', async () => {
    const text = file(advisory('A-1', [[a, b], [b]]), advisory('A-2', [[b]]), advisory('A-3', []))
    expect(await cut(text, named('a'))).toContain(`<updates>\n${advisory('A-1', [[a]])}\n</updates>`)
    expect(await cut(text, named('c'))).toBeUndefined()
  })

  it('is told apart by name, version and architecture', async () => {
    const seen: AdvisoryPackage[] = []
    const tags = [
      a,
      packageTag('c', 'noarch', 'epoch="7" version="1.0" release="3"'),
      packageTag('d', 'src', 'version="1" release="2" epoch=""'),
    ]
    await cut(file(advisory('A-1', [tags])), (one) => seen.push(one) > 0)
    expect(seen).toEqual([
      { name: 'a', evr: '1-2', architecture: 'x86_64' },
      { name: 'c', evr: '7:1.0-3', architecture: 'noarch' },
      { name: 'd', evr: '1-2', architecture: 'src' },
    ])
  })

  it('of two files is one file, without what both say', async () => {
    const files = [
      file(advisory('A-1', [[a]]), advisory('A-2', [[b]])),
      file(advisory('A-1', [[a]]), advisory('A-2', [[a]])),
    ]
    const bytes = await cutUpdateinfo(
      files.map((text) => pieces(text)),
      { has: () => true },
    )
    const { root } = parseXml(bytes!, { label: 'cut', root: 'updates' })
    expect(childrenOf(root, 'update').map((one) => childOf(one, 'id')!.text)).toEqual(['A-1', 'A-2', 'A-2'])
  })

  it('is the same wherever the chunks end', async () => {
    const text = file(advisory('A-1', [[a, b]]), advisory('A-2', [[b], [a]]))
    const whole = await cut(text, named('a'))
    for (const size of [1, 3, 100]) {
      const bytes = await cutUpdateinfo([pieces(text, size)], { has: named('a') })
      expect(bytes!.toString()).toBe(whole)
    }
  })

  it('can be read, whatever control characters upstream lets through', async () => {
    const text = file(
      advisory('A-1', [[a]]).replace('was', 'w\u0001s'),
      advisory('A-2', [[a]]).replace('was', '&nbsp;'),
    )
    expect(await cut(text, () => true)).toContain('w\ufffds')
    expect(await cut(text, () => true)).not.toContain('A-2')
  })
})

test.each([
  ['another file', '<metadata/>'],
  ['half a file', file(advisory('A-1', [])).slice(0, -20)],
  ['entities', `<!DOCTYPE a [<!ENTITY a "b">]>${file()}`],
])('refuses %s', async (_, text) => {
  await expect(cut(text, () => true)).rejects.toMatchObject({ code: 'RPM_XML_MALFORMED' })
})

test('some bytes changed: what can be read again, or a LarderError', async () => {
  const text = Buffer.from(
    file(advisory('A-1', [[packageTag('a'), packageTag('b')]]), advisory('A-2', [[packageTag('b')]])),
  )
  const changes = fc.array(fc.tuple(fc.nat(text.length - 1), fc.integer({ min: 0, max: 127 })), {
    minLength: 1,
    maxLength: 5,
  })
  await fc.assert(
    fc.asyncProperty(changes, async (all) => {
      const bytes = Buffer.from(text)
      for (const [at, value] of all) bytes[at] = value
      try {
        const found = await cutUpdateinfo([pieces(bytes)], { has: named('a') })
        expect(found === undefined || found.length > 0).toBe(true)
      } catch (error) {
        expect(isLarderError(error, 'RPM_XML_MALFORMED')).toBe(true)
      }
    }),
    { numRuns: 300 },
  )
})
