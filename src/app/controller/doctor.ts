import type { Controller } from '../controller.ts'
import type { DoctorRoom } from '../doctor/check.ts'
import { examine } from '../doctor/examine.ts'

/** Looking for what is wrong, and mending it: one examination at a time, since two would mend each other's work. */
export function createDoctorMethods(room: DoctorRoom): Pick<Controller, 'doctor'> {
  let turn: Promise<unknown> = Promise.resolve()
  return {
    doctor(options) {
      const report = turn.then(() => examine(room, options))
      turn = report.catch(() => undefined)
      return report
    },
  }
}
