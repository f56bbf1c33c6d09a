import { expect, it } from 'vitest'
import { parseSiteFile } from '../../core/index.ts'
import { testRoom } from '../testing/resolve-room.ts'
import { parseResources } from './parse-resources.ts'
import { resolveResources } from './resolve-resources.ts'

/** What each comes after, by its id. */
async function orderOf(text: string): Promise<Record<string, readonly string[]>> {
  const { resources, problems } = parseResources(parseSiteFile(Buffer.from(text), 'r.yaml').document!)
  expect(problems).toEqual([])
  const room = testRoom()
  const resolved = await resolveResources(resources.map((resource) => ({ resource, room })))
  return Object.fromEntries(resolved.map(({ id, after }) => [id, after]))
}

it('makes a folder before what is in it', async () => {
  const order = await orderOf(`- { file: /srv/app/conf, content: a }\n- directory: /srv/app\n- directory: /srv`)
  expect(order).toEqual({
    'file:/srv/app/conf': ['directory:/srv', 'directory:/srv/app'],
    'directory:/srv/app': ['directory:/srv'],
    'directory:/srv': [],
  })
})

it('removes what is in a folder before the folder', async () => {
  const order = await orderOf(`- { directory: /srv, state: absent }
- { directory: /srv/app, state: absent }
- { file: /srv/app/conf, state: absent }
- { link: /srv/link, state: absent }`)
  expect(order).toEqual({
    'directory:/srv': ['file:/srv/app/conf', 'link:/srv/link', 'directory:/srv/app'],
    'directory:/srv/app': ['file:/srv/app/conf'],
    'file:/srv/app/conf': [],
    'link:/srv/link': [],
  })
})

it('removes what a package brings when that is there', async () => {
  const order = await orderOf(`- package: nginx
- { link: /etc/nginx/sites-enabled/default, state: absent }
- { directory: /etc/nginx/conf.d, state: absent, recursive: true }`)
  expect(order).toMatchObject({
    'link:/etc/nginx/sites-enabled/default': ['package:nginx'],
    'directory:/etc/nginx/conf.d': ['package:nginx'],
  })
})

it('unmounts what is mounted within before what it is in, and both before a folder goes', async () => {
  const order = await orderOf(`- { directory: /a, state: absent }
- { mount: /a, state: absent }
- { mount: /a/b, state: absent }`)
  expect(order).toEqual({ 'directory:/a': ['mount:/a', 'mount:/a/b'], 'mount:/a': ['mount:/a/b'], 'mount:/a/b': [] })
})

it('refuses a judge that does not say where it finds the new text', () => {
  const text = '- { file: /etc/nginx/nginx.conf, content: a, validate: nginx -t }'
  const { problems } = parseResources(parseSiteFile(Buffer.from(text), 'r.yaml').document!)
  expect(problems).toMatchObject([{ message: expect.stringContaining('`%s` is where it is') }])
})
