import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './command.ts'
import { type LockFile, missingFromLock } from './complete-lock.ts'

test('package-lock.json has every build for every platform, or npm ci would refuse it (npm run lock mends it)', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as LockFile
  expect(missingFromLock(lock)).toEqual([])
})

test('what is missing is found, where Node would look for it', () => {
  const lock: LockFile = {
    packages: {
      'node_modules/a': { optionalDependencies: { b: '1.0.0', c: '2.0.0', d: '3.0.0' } },
      'node_modules/a/node_modules/b': { version: '1.0.0' },
      'node_modules/c': { version: '2.0.0' },
      'node_modules/e/node_modules/d': { version: '3.0.0' },
    },
  }
  expect(missingFromLock(lock)).toEqual([{ name: 'd', version: '3.0.0', wantedBy: 'node_modules/a' }])
})
