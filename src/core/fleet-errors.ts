import { failed, passing, refused, usage, type CatalogueEntry } from './catalogue-entry.ts'

/** Codes of machines, networks and services. */
export const fleetErrors = {
  FLEET_VALUE_UNUSABLE: usage(
    'A value cannot be given to a program, since it has a character that no argument can hold.',
  ),
  FLEET_RESOURCE_INVALID: usage('What is declared of a machine or a role cannot be understood.'),
  FLEET_TEMPLATE_INVALID: usage('A template is malformed, or names what is not there.'),
  FLEET_SECRET_UNKNOWN: usage('A secret is not in the repository, or cannot be decrypted here.'),
  FLEET_MIRROR_UNKNOWN: usage('A machine asks for a mirror that has nothing published yet, or that is not declared.'),
  FLEET_IMAGE_UNKNOWN: usage(
    'A machine or a service asks for an image that has not been built yet, or that is not declared.',
  ),
  FLEET_HOST_UNREACHABLE: passing('A machine cannot be reached, or the connection was lost.'),
  FLEET_HOST_KEY_CHANGED: refused('A machine shows another host key than the one that it is known by.'),
  FLEET_HOST_REFUSED: refused(
    'A machine does not let Larder in, or its host key is not trusted here; somebody has to say that it may.',
  ),
  FLEET_HOST_TIMEOUT: passing('A machine did not answer in time.'),
  FLEET_HOST_FLOODED: failed('A machine printed more than anything of ours can mean.'),
  FLEET_SUDO_REFUSED: refused(
    'The user that Larder logs in as may not become root without being asked for a password.',
  ),
  FLEET_MACHINE_BUSY: passing('Another apply is at work on a machine.'),
  FLEET_MACHINE_UNKNOWN: usage('There is no such machine.', 404),
  FLEET_NETWORK_FULL: refused('A network has no address left for a machine.'),
  FLEET_PLACE_UNUSABLE: failed('This host lacks what machines of this kind need.'),
  FLEET_MACHINE_FAILED: failed('A machine could not be made or started.'),
  FLEET_MACHINE_FOREIGN: refused('What has the name that a machine would get was not made by Larder for it.', 409),
  FLEET_BASE_INCOMPLETE: refused('A mirror lacks packages that machines which begin with it need.'),
  FLEET_BASE_FAILED: failed('What machines begin with could not be made.'),
  FLEET_APPLY_FAILED: failed('Some of what is declared could not be made so on some machines.'),
  FLEET_BALANCER_AWAY: passing('No load balancer answers on a machine that is to be one.'),
  FLEET_BALANCER_REFUSED: failed('A load balancer does not take what it is told of a server.'),
  FLEET_SERVICE_UNKNOWN: usage('There is no such service.', 404),
  FLEET_ROLLOUT_FAILED: failed('A release of a service is of no use on a machine; what ran before was put back.'),
  FLEET_ROLLOUT_HALTED: passing('A machine of a service is not renewed, since another one is not up.'),
  FLEET_NETWORK_INTERFACE_MISSING: failed(
    'No interface of this host is in a network that addresses are handed out in.',
  ),
  FLEET_NETWORK_OTHER_DHCP: refused(
    'Another DHCP server answers in a network that Larder is to hand out addresses in.',
    409,
  ),
  FLEET_NETWORK_OWN_ADDRESS: refused(
    'An address of this host in a network would be handed out there, or is that of something else.',
    409,
  ),
  FLEET_NETWORK_CONFIG_REFUSED: failed('The DHCP or DNS server refuses the configuration that was made for it.'),
  FLEET_NETWORK_SERVER_FAILED: passing('The DHCP or DNS server cannot be started, or does not answer.'),
} as const satisfies Record<string, CatalogueEntry>
