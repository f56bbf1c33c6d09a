import { expect, it } from 'vitest'
import { parsePlatform, platformName } from './platform.ts'

it.each([
  ['linux/amd64', { os: 'linux', architecture: 'amd64' }, 'linux/amd64'],
  ['linux/arm/v7', { os: 'linux', architecture: 'arm', variant: 'v7' }, 'linux/arm/v7'],
  ['linux/arm64/v8', { os: 'linux', architecture: 'arm64' }, 'linux/arm64'],
])('%s', (text, platform, name) => {
  expect(parsePlatform(text)).toEqual(platform)
  expect(platformName(platform)).toBe(name)
})
