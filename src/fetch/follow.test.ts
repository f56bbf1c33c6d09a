import { expect, it } from 'vitest'
import { getFollowing } from './follow.ts'
import type { Transport } from './transport.ts'

/** Answers every address with a redirect to the location that the table says, else with 200. */
function transports(table: Record<string, string>): Record<string, Transport> {
  const transport: Transport = {
    get: async (url) => ({
      status: table[url.href] === undefined ? 200 : 302,
      url,
      header: (name) => (name === 'location' ? table[url.href] : undefined),
      body: (async function* () {})(),
      discard: () => {},
    }),
    close: async () => {},
  }
  return { 'http:': transport, 'https:': transport }
}

const options = { headers: {}, signal: new AbortController().signal, proxy: {}, maxRedirects: 2 }

it.each([
  [
    'http to https',
    'http://a.example.org/',
    { 'http://a.example.org/': 'https://b.example.org/x' },
    'https://b.example.org/x',
  ],
  ['relative', 'https://a.example.org/x/y', { 'https://a.example.org/x/y': '../z' }, 'https://a.example.org/z'],
  [
    'with credentials, within a host',
    'https://u:p@a.example.org/1',
    { 'https://u:p@a.example.org/1': '/2' },
    'https://u:p@a.example.org/2',
  ],
  [
    'with credentials, to another host',
    'https://u:p@a.example.org/1',
    { 'https://u:p@a.example.org/1': 'https://evil:x@b.example.org/2' },
    'https://b.example.org/2',
  ],
])('follows %s', async (_, start, table, end) => {
  const answer = await getFollowing(transports(table), new URL(start), options)
  expect(answer.url.href).toBe(end)
})

it('tells who we are to the host of the address, and to no other', async () => {
  const table = { 'https://a.example.org/1': '/2', 'https://a.example.org/2': 'https://b.example.org/3' }
  const transport = transports(table)['https:']!
  const told: [string, string | undefined][] = []
  const watched: Transport = {
    ...transport,
    get: (url, asked) => {
      told.push([url.href, asked.headers['authorization']])
      return transport.get(url, asked)
    },
  }
  await getFollowing({ 'https:': watched }, new URL('https://a.example.org/1'), {
    ...options,
    authorization: 'Bearer secret',
  })
  expect(told).toEqual([
    ['https://a.example.org/1', 'Bearer secret'],
    ['https://a.example.org/2', 'Bearer secret'],
    ['https://b.example.org/3', undefined],
  ])
})

it.each([
  ['https to http', { 'https://a.example.org/': 'http://a.example.org/' }, 'FETCH_URL_REFUSED'],
  ['to a local file', { 'https://a.example.org/': 'file:///etc/passwd' }, 'FETCH_URL_REFUSED'],
  ['to another scheme', { 'https://a.example.org/': 'ftp://a.example.org/' }, 'FETCH_URL_REFUSED'],
  ['in a circle', { 'https://a.example.org/': 'https://a.example.org/' }, 'FETCH_STATUS'],
])('refuses %s', async (_, table: Record<string, string>, code) => {
  const following = getFollowing(transports(table), new URL('https://a.example.org/'), options)
  await expect(following).rejects.toMatchObject({ code })
})
