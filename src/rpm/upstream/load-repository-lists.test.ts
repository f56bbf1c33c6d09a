import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeRpmSigner } from '../../../test/fixtures/rpm-upstream/index.ts'
import { codeOf, RepositoryBench } from '../testing/repository-bench.ts'

const key = await makeRpmSigner()
let bench: RepositoryBench

beforeEach(async () => {
  bench = await RepositoryBench.open(key)
})

afterEach(() => bench.close())

describe('lists of mirrors', () => {
  async function withList(kind: 'mirrorlist' | 'metalink', text: () => string): Promise<Record<string, string>> {
    const server = createServer((_request, response) => response.end(text())).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const close = bench.upstream.close.bind(bench.upstream)
    Object.defineProperty(bench.upstream, 'close', {
      value: async () => {
        server.close()
        server.closeAllConnections()
        await close()
      },
    })
    return { [kind]: `http://127.0.0.1:${port}/list?repo=el9&arch=x86_64` }
  }

  it('a mirrorlist', async () => {
    await bench.start()
    const config = await withList(
      'mirrorlist',
      () => `# comment\nftp://h.example.org/\n${bench.upstream.url.slice(0, -1)}\n`,
    )
    const repository = await bench.load(config)
    expect(repository.baseUrls).toEqual([bench.upstream.url])
  })

  it('a mirrorlist leads to no file of this host', async () => {
    await bench.start()
    const config = await withList('mirrorlist', () => 'file:///etc/\n')
    expect(await codeOf(bench.load(config))).toBe('RPM_MIRRORS_MISSING')
  })

  it('a metalink, whose promise is held to; unchanged, it is all that is asked for', async () => {
    await bench.start()
    const config = await withList('metalink', () => bench.upstream.repository.metalink([bench.upstream.url]))
    const repository = await bench.load(config)
    expect(repository.baseUrls).toEqual([bench.upstream.url])
    bench.upstream.clearLog()
    await bench.load(config)
    expect(bench.paths()).toEqual([])
  })

  it('a metalink ahead of its mirrors: the generation before, while it promises that', async () => {
    await bench.start()
    const future = Buffer.from('<repomd/>')
    const { generations } = bench.upstream.repository
    const both = await withList('metalink', () =>
      bench.upstream.repository.metalink([bench.upstream.url], [future, ...generations]),
    )
    expect((await bench.load(both)).signers).toHaveLength(1)
  })

  it('a metalink that promises something else', async () => {
    await bench.start()
    const config = await withList('metalink', () =>
      bench.upstream.repository.metalink([bench.upstream.url], [Buffer.from('else')]),
    )
    expect(await codeOf(bench.load(config))).toBe('RPM_METALINK_MISMATCH')
  })
})
