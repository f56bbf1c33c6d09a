import type { Problem } from '../../core/index.ts'
import { addressNumber, addressText, isWithin, type Block } from './address.ts'
import type { SubnetConfig } from './network-schema.ts'

/** A machine with an address that is written for it. */
export interface AddressedMachine {
  name: string
  address: string
}

/** Where something is wrong, and what: `path` below the subnet. */
export type Report = (path: readonly (string | number)[], message: string, more?: Partial<Problem>) => void

/** A subnet as it is checked: also by number. */
export interface CheckedSubnet {
  config: SubnetConfig
  block: Block
  report: Report
}

export function rangeOf([first, last]: readonly [string, string]): { first: number; last: number } {
  return { first: addressNumber(first) ?? 0, last: addressNumber(last) ?? -1 }
}

/** Why a host cannot have an address, as the end of a sentence. */
export function wrongHost(block: Block, address: string): string | undefined {
  const number = addressNumber(address) ?? -1
  if (!isWithin(block, number)) return `${address} is outside of the subnet`
  if (number === block.first) return `${address} is the address of the subnet itself`
  return number === block.last ? `${address} is the broadcast address` : undefined
}

export function hosts(block: Block): string {
  return `${addressText(block.first + 1)} to ${addressText(block.last - 1)}`
}
