import { describe } from 'vitest'
import { containerEventsContract } from './support/container-events.ts'
import { dockerEngine } from './support/container-machines.ts'

describe('Docker', () => {
  containerEventsContract(dockerEngine)
})
