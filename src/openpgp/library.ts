import type * as OpenPgp from 'openpgp'
import { lazyPackage } from '../core/index.ts'

/** Loaded with the first key or signature: its 20 MiB are nothing for a registry, or for a command that asks the controller. */
export const openpgp = lazyPackage((require) => require('openpgp') as typeof OpenPgp)
