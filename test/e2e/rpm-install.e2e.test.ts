import { afterAll, beforeAll, expect, it } from 'vitest'
import { dnfComplaint } from './support/dnf-client.ts'
import { openRpmSite, type RpmSite } from './support/open-rpm-site.ts'

let site: RpmSite

beforeAll(async () => {
  site = await openRpmSite({
    packages: [
      {
        name: 'python36u',
        version: '3.6.8',
        release: '2.el9',
        requires: ['python36u-libs = 3.6.8-2.el9', '/usr/bin/sh'],
        files: { '/usr/bin/python3.6': '#!/bin/sh\n' },
      },
      { name: 'python36u-libs', version: '3.6.8', release: '2.el9', requires: ['libc.so.6()(64bit)'] },
      { name: 'glibc', version: '2.34', release: '60.el9', provides: ['libc.so.6()(64bit)'] },
      {
        name: 'bash',
        version: '5.1.8',
        release: '6.el9',
        requires: ['libc.so.6()(64bit)'],
        files: { '/usr/bin/sh': '' },
      },
      { name: 'left-out', version: '1' },
    ],
  })
})
afterAll(() => site[Symbol.asyncDispose]())

it('a pushed list ends in dnf install from the mirror alone, every signature checked', async () => {
  await site.publish([{ package_command: 'python36u python36u-libs' }])
  const client = await site.client()
  const { exitCode, output } = await client.install('python36u')
  expect(exitCode, output).toBe(0)
  expect(output).not.toMatch(dnfComplaint)
  expect(await client.installed()).toEqual([
    'bash-5.1.8-6.el9.x86_64',
    'glibc-2.34-60.el9.x86_64',
    'python36u-3.6.8-2.el9.x86_64',
    'python36u-libs-3.6.8-2.el9.x86_64',
  ])
})
