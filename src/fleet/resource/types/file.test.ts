import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { sh } from '../../shell/script.ts'
import { debianHost } from '../../testing/converge.ts'
import { testRoom } from '../../testing/resolve-room.ts'
import { runScript } from '../../testing/run-script.ts'
import { fileType, resolveText } from './file.ts'

const room = testRoom(
  { 'secrets/there.age': 'encrypted', 'secrets/other.age': 'encrypted' },
  { secret: async (name) => `value of ${name}` },
)

// What asks whether a secret is there would else be empty without a word.
it.each([
  ['{{secrets.there}}', 'value of there', true],
  ['{{#secrets.there}}password {{.}}{{/secrets.there}}', 'password value of there', true],
  ['{{#secrets.there}}{{secrets.there}}{{/secrets.there}}', 'value of there', true],
  ['{{#secrets.there}}with{{/secrets.there}}', 'with', true],
  ['{{^secrets.there}}without{{/secrets.there}}', '', true],
  ['{{#secrets.none}}{{secrets.none}}{{/secrets.none}}', '', false],
  ['{{#secrets.none}}with{{/secrets.none}}{{^secrets.none}}without{{/secrets.none}}', 'without', false],
])('%s', async (inline, text, isSecret) => {
  const resolved = await resolveText({ inline }, room)
  expect([resolved.content.toString(), resolved.isSecret]).toEqual([text, isSecret])
})

it('writes into what is mounted in its place, as names of a container are, and leaves nothing beside it', async (context) => {
  if (process.getuid?.() !== 0) context.skip('cannot apply: only root can mount')
  const folder = mkdtempSync(join(tmpdir(), 'larder-file-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const [path, mounted] = [join(folder, 'resolv.conf'), join(folder, 'mounted')]
  writeFileSync(path, 'below\n')
  writeFileSync(mounted, 'of the engine\n')
  const desired = fileType.schema.parse({ file: path, content: 'mine\n', mode: '0640' })
  const applied = fileType.apply(await fileType.resolve(desired, room), {
    facts: undefined,
    differences: [],
    host: debianHost,
  })
  const within = sh`mount --bind ${mounted} ${path} && sh -euc ${applied.shell}`
  const { code, stderr } = runScript(sh`unshare --mount -- sh -ec ${within.shell}`)
  expect([code, stderr]).toEqual([0, ''])
  expect([readFileSync(path, 'utf8'), readFileSync(mounted, 'utf8')]).toEqual(['below\n', 'mine\n'])
  expect([statSync(mounted).mode & 0o777, readdirSync(folder).sort()]).toEqual([0o640, ['mounted', 'resolv.conf']])
})
