import type { DoctorCheck } from '../check.ts'
import { addressCheck } from './address.ts'
import { blobsCheck } from './blobs.ts'
import { clockCheck } from './clock.ts'
import { databaseCheck } from './database.ts'
import { diskCheck } from './disk.ts'
import { eventsCheck } from './events.ts'
import { forgeCheck } from './forge.ts'
import { hostsCheck } from './hosts.ts'
import { imagesCheck } from './images.ts'
import { keysCheck } from './keys.ts'
import { leftoversCheck } from './leftovers.ts'
import { machinesCheck } from './machines.ts'
import { modesCheck } from './modes.ts'
import { networkCheck } from './network.ts'
import { outboxCheck } from './outbox.ts'
import { previewsCheck } from './previews.ts'
import { publicationsCheck } from './publications.ts'
import { registryCheck } from './registry.ts'
import { runsCheck } from './runs.ts'
import { servicesCheck } from './services.ts'
import { siteCheck } from './site.ts'
import { toolsCheck } from './tools.ts'
import { upstreamsCheck } from './upstreams.ts'

/** In the order in which they are made: damaged blobs go before anything is fetched, and space is looked at last. */
export const checks: readonly DoctorCheck[] = [
  toolsCheck,
  modesCheck,
  databaseCheck,
  addressCheck,
  forgeCheck,
  siteCheck,
  keysCheck,
  blobsCheck,
  publicationsCheck,
  previewsCheck,
  registryCheck,
  imagesCheck,
  networkCheck,
  machinesCheck,
  hostsCheck,
  servicesCheck,
  upstreamsCheck,
  clockCheck,
  runsCheck,
  eventsCheck,
  outboxCheck,
  leftoversCheck,
  diskCheck,
]
