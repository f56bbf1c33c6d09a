import { expect, test } from 'vitest'
import { quarantineOf } from './git-environment.ts'

test('only the quarantine is let through', () => {
  const said = { GIT_QUARANTINE_PATH: '/q', GIT_SSH_COMMAND: 'x', LD_PRELOAD: 'y', GIT_OBJECT_DIRECTORY: '' }
  expect(quarantineOf(said)).toEqual({ GIT_QUARANTINE_PATH: '/q' })
})
