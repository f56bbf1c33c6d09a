export interface ServiceUnit {
  readonly service: string
  /** `counter.service` */
  readonly unit: string
}

export interface WantedUnit extends ServiceUnit {
  readonly isContainer: boolean
  /** As far as is known: on the machine itself, a container of the service looks as one of somebody else. */
  readonly wasContainer: boolean
}

/** What ran a service before it was declared to be run by another unit. */
export interface FormerUnit {
  readonly unit: string
  readonly isContainer: boolean
}

export interface FoundUnit {
  readonly isActive: boolean
  readonly isBegun: boolean
  readonly formers: readonly FormerUnit[]
}
