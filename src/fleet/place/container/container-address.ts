import { LarderError } from '../../../core/index.ts'
import { readReport } from './container-report.ts'
import { engineChoice, type ChoiceRoom } from './engine-choice.ts'
import { containerEngines, type EngineOptions } from './engine.ts'
import { engineNetworkName } from './site-network.ts'

/**
 * Where a machine is that its engine gave an address, which may be another each time it starts; undefined where it does not
 * run. FLEET_PLACE_UNUSABLE, FLEET_MACHINE_FAILED; FLEET_HOST_UNREACHABLE: several sites have one of this name here.
 */
export async function containerAddress(
  options: EngineOptions & Pick<ChoiceRoom, 'engineFile'>,
  name: string,
): Promise<string | undefined> {
  const engine = await engineChoice(containerEngines(options), options).choose()
  const room = { signal: new AbortController().signal, failure: `${name} cannot be found` }
  const filter = ['--filter', `label=larder.machine=${name}`]
  const listed = await engine.require(['ps', '--quiet', '--no-trunc', ...filter], room)
  const [id, ...others] = listed.split('\n').filter((line) => line !== '')
  if (id === undefined) return undefined
  if (others.length > 0) {
    throw new LarderError('FLEET_HOST_UNREACHABLE', {
      message: `Several sites have a machine ${name} on this host: it is not known which is meant.`,
      hint: 'A network in larder.yaml gives machines addresses of their own.',
    })
  }
  const { site = '', addresses } = readReport(await engine.require(['container', 'inspect', id], room))
  const address = addresses.get(engineNetworkName(site, undefined))
  return address === '' ? undefined : address
}
