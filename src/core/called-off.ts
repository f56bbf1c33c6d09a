import { isLarderError, LarderError } from './error.ts'

/** Why a run ends whose end somebody has asked for: it is not gone on with later, as one is that was only stopped. */
export function calledOff(run: number): LarderError {
  return new LarderError('CANCELLED', { message: `Run ${run} was cancelled.`, context: { isCalledOff: true } })
}

/** Whether what is aborted is not gone on with. */
export function isCalledOff({ aborted, reason }: AbortSignal): boolean {
  return aborted && isLarderError(reason, 'CANCELLED') && reason.context['isCalledOff'] === true
}
