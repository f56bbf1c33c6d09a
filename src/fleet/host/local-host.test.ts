import { describe } from 'vitest'
import { hostContract } from '../testing/host-contract.ts'
import { createLocalHost } from './local-host.ts'

describe('this host', () => {
  hostContract(async () => {
    const host = createLocalHost({ name: 'here' })
    return { host, close: () => host.close() }
  })
})
